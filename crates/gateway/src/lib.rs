//! Long-polling event gateway backed by RabbitMQ
