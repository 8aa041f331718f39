//! The rules of pollgate: sending, relaying, mailboxes, polling
