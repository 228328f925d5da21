//! The browser's commands as people in chats meet them.

mod assistant;
mod models;
mod pages;
mod pdf;
mod pictures;
mod reading;
mod search;
mod speed;
mod steps;
mod stops;
mod web;
