//! The `doorward` program: everything is in the library, the command line in `cli`.

fn main() {}
