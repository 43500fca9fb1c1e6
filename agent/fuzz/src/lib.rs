//! A package must have a library or a program; what it is for is the example, which only `ci/fuzz` makes.
