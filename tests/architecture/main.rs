//! The house stays as it was drawn: who may import whom, held against every source file.
#![allow(
    clippy::unwrap_used,
    reason = "in a test, a panic that names the place is the report"
)]

mod imports;
mod picture;
mod profiles;
mod table;
