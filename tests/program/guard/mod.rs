//! Group-join verification, as the people of a group see it.

mod admin;
mod captchas;
mod crashes;
mod group;
mod many;
mod operator;
mod raids;
mod scans;
mod town;
