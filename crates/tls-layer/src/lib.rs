//! TLS layer.
