//! What nodes of a community tell each other, and what they believe of it.
