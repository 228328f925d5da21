//! One HTTP listener for everything that the program serves.
