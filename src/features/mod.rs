//! What the program's bot can do. Features never import each other; the composition root brings them together.

pub mod assistant;
pub mod basics;
pub mod browser;
pub mod console;
mod errors;
pub mod gateway;
pub mod guard;
#[cfg(test)]
mod kinds;
mod moment;
mod origin;

use teloxide::RequestError;

use crate::store::StoreError;
pub(crate) use origin::Origin;

/// Why a handler of a feature failed.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The Bot API could not be asked, or refused.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// What is kept could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}
