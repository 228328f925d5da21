//! AI answers in chats.

mod settings;
mod text;

pub use settings::Settings;
