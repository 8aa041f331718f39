//! Connections that break, brokers that restart, alarms.
