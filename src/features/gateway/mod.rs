//! An OpenAI-compatible API in front of the providers.

mod settings;

pub use settings::{GatewayKey, Settings};
