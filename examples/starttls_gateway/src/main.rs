//! Stands before a plaintext server, and gives it STARTTLS.

fn main() {}
