//! The browser side of pollgate, as files inside the binary
