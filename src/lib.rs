//! Sundown.
pub mod lifecycle;
