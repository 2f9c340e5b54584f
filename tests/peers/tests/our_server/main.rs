//! Servers of ours, small ones, and the clients that people use.

mod curl;
mod openssl;
mod setting;
