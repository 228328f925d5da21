//! The operator's console as operators meet it: on a terminal, and attached to a running bot.

mod attach;
mod endings;
mod instance;
mod operators;
mod prompt;
mod screen;
mod socket;
mod stuck;
