//! The command line as users call it: exit codes, standard input, what is
//! printed.

mod plan;
mod policy;
