//! What the program's bot can do. Features never import each other; the composition root brings them together.

pub mod basics;
mod guard;
