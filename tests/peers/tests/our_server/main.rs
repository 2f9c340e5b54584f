//! Servers of ours, small ones, and the clients that people use.

mod openssl;
mod setting;
