//! The command line, driven as a person or a script drives it: the program itself, in a folder of
//! its own.

mod access;
mod installation;
mod registrations;
mod support;
mod users;
