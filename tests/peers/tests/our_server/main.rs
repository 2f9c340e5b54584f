//! Servers of ours, small ones, and the clients that people use.

mod curl;
mod gnutls;
mod ldapsearch;
mod openssl;
mod psql;
mod python;
mod setting;
mod swaks;
