//! The assistant as people in chats meet it.

mod answers;
mod crashes;
mod floods;
mod groups;
mod model;
mod stops;
mod talk;
