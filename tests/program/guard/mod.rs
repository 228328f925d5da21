//! Group-join verification, as the people of a group see it.

mod captchas;
mod crashes;
mod many;
mod town;
