//! Starts real gateways, brokers and databases for tests
