//! AI answers in chats.

mod settings;

pub use settings::Settings;
