//! A bucket of S3, or of what speaks like it.

use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};

use crate::error::FilesError;
use crate::settings::BucketSettings;

/// Connections that are kept when they are idle.
const IDLE: usize = 64;

/// Opens the bucket; nobody is asked yet.
pub(crate) fn open(settings: &BucketSettings, timeout: Duration) -> Result<AmazonS3, FilesError> {
    // no bound on a whole answer: a client that reads slowly takes its time; each wait for bytes has one
    let client = ClientOptions::new()
        .with_timeout_disabled()
        .with_connect_timeout(timeout / 2)
        .with_read_timeout(timeout)
        .with_pool_max_idle_per_host(IDLE)
        .with_allow_http(settings.endpoint.starts_with("http://"));
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(50),
            max_backoff: timeout / 4,
            base: 2.0,
        },
        max_retries: 3,
        retry_timeout: timeout,
    };
    let mut builder = if settings.access_key_id.is_empty() {
        AmazonS3Builder::from_env()
    } else {
        AmazonS3Builder::new()
            .with_access_key_id(&settings.access_key_id)
            .with_secret_access_key(&settings.secret_access_key)
    };
    if !settings.endpoint.is_empty() {
        builder = builder.with_endpoint(settings.endpoint.trim_end_matches('/'));
    }
    builder
        .with_bucket_name(&settings.bucket)
        .with_region(&settings.region)
        .with_virtual_hosted_style_request(settings.virtual_host)
        // one at a time is what is removed here, and what every server and every key's rights know
        .with_disable_bulk_delete(true)
        .with_client_options(client)
        .with_retry(retry)
        .build()
        .map_err(|error| FilesError::Invalid(format!("attachments: {error}")))
}
