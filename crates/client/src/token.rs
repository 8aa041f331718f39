//! The credential: a text, or a hook that is asked for one.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::error::{BoxError, Error};

/// A hook that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

type Hook = Box<dyn Fn(bool) -> BoxFuture<'static, Result<String, BoxError>> + Send + Sync>;

/// Where tokens come from.
pub(crate) enum Source {
    Text,
    Hook(Hook),
}

/// The token in use. Whoever finds it expired while another is already asking for a new one waits for that one.
pub(crate) struct Tokens {
    source: Source,
    /// Held while the hook is asked: that is what makes one refresh serve all.
    current: Mutex<Option<Arc<str>>>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(***)")
    }
}

impl Tokens {
    pub(crate) fn text(token: &str) -> Self {
        Self { source: Source::Text, current: Mutex::new(Some(Arc::from(token))) }
    }

    pub(crate) fn hook<F, T, E>(hook: F) -> Self
    where
        F: Fn(bool) -> T + Send + Sync + 'static,
        T: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let hook: Hook = Box::new(move |expired| hook(expired).map(|got| got.map_err(Into::into)).boxed());
        Self { source: Source::Hook(hook), current: Mutex::new(None) }
    }

    /// The token to call with.
    pub(crate) async fn get(&self) -> Result<Arc<str>, Error> {
        let mut current = self.current.lock().await;
        if let Some(token) = &*current {
            return Ok(token.clone());
        }
        let token = self.ask(false).await?;
        *current = Some(token.clone());
        Ok(token)
    }

    /// Another token than this one, which has expired; `None`: there is none.
    pub(crate) async fn instead_of(&self, expired: &str) -> Result<Option<Arc<str>>, Error> {
        let mut current = self.current.lock().await;
        if let Some(other) = current.as_ref().filter(|token| &***token != expired) {
            return Ok(Some(other.clone()));
        }
        if matches!(self.source, Source::Text) {
            return Ok(None);
        }
        let token = self.ask(true).await?;
        *current = Some(token.clone());
        Ok(Some(token))
    }

    async fn ask(&self, expired: bool) -> Result<Arc<str>, Error> {
        let Source::Hook(hook) = &self.source else {
            return Err(Error::Token("a client without a token".into()));
        };
        match timeout(PATIENCE, hook(expired)).await {
            Ok(Ok(token)) => Ok(Arc::from(token)),
            Ok(Err(error)) => Err(Error::Token(error)),
            Err(_elapsed) => Err(Error::Token(format!("the hook took longer than {PATIENCE:?}").into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::future::join_all;

    use super::*;

    #[tokio::test]
    async fn one_refresh_serves_all_who_found_the_same_token_expired() {
        let asked = Arc::new(AtomicU32::new(0));
        let count = asked.clone();
        let tokens = Tokens::hook(move |expired| {
            let number = count.fetch_add(1, Ordering::SeqCst);
            async move {
                tokio::task::yield_now().await;
                Ok::<_, BoxError>(format!("{expired} {number}"))
            }
        });
        let first = tokens.get().await.unwrap();
        assert_eq!(&*first, "false 0");
        let others = join_all((0..8).map(|_| tokens.instead_of(&first))).await;
        assert!(others.into_iter().all(|token| token.unwrap().as_deref() == Some("true 1")));
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_text_has_no_other() {
        let tokens = Tokens::text("a");
        assert_eq!(&*tokens.get().await.unwrap(), "a");
        assert_eq!(tokens.instead_of("a").await.unwrap(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hook_that_hangs_has_failed() {
        let tokens = Tokens::hook(|_expired| futures::future::pending::<Result<String, BoxError>>());
        assert!(matches!(tokens.get().await, Err(Error::Token(_))));
    }

    #[test]
    fn a_token_is_never_printed() {
        assert_eq!(format!("{:?}", Tokens::text("secret")), "Tokens(***)");
    }
}
