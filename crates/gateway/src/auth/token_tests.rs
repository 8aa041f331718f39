use std::sync::Arc;

use pollgate_model::InstanceId;
use pollgate_store::{OnCommit, Outgoing, StoreSettings, TokenRef};
use tempfile::TempDir;

use super::*;
use crate::auth::Scope;

/// Nothing is sent here.
struct Deaf;

impl OnCommit for Deaf {
    fn committed(&self, _rows: Vec<Outgoing>) {}
    fn uncertain(&self) {}
}

/// A database of its own; the folder must outlive the store.
async fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("tokens.db").display());
    (folder, Store::open(StoreSettings::new(url), InstanceId::new(), Arc::new(Deaf)).await.unwrap())
}

async fn made(store: &Store, scopes: &str, ttl: Option<Duration>) -> String {
    create(store, "ann".parse().unwrap(), scopes.parse().unwrap(), ttl).await.unwrap()
}

fn refused(outcome: &Result<Caller, AuthError>) -> bool {
    matches!(outcome, Err(AuthError::Unauthenticated))
}

#[tokio::test]
async fn a_token_speaks_for_its_user_within_its_scopes() {
    let (_folder, store) = store().await;
    let hour = Duration::from_secs(3600);
    for ttl in [None, Some(hour)] {
        let token = made(&store, "publish", ttl).await;
        assert!(looks_like_one(&token) && token.len() == LENGTH);
        let lookup = TokenLookup::new(store.clone());
        for _looked_up_and_remembered in 0..2 {
            let caller = lookup.find(&token).await.unwrap();
            assert_eq!(caller.user.as_str(), "ann");
            assert!(caller.has(Scope::Publish) && !caller.has(Scope::User));
        }
    }
}

#[tokio::test]
async fn a_revoked_token_is_refused_by_whoever_looks_it_up_afterwards() {
    let (_folder, store) = store().await;
    let token = made(&store, "user", None).await;
    let before = TokenLookup::new(store.clone());
    assert!(before.find(&token).await.is_ok());
    assert!(store.token_revoke(TokenRef::Hash(hash(&token))).await.unwrap());
    assert!(refused(&TokenLookup::new(store).find(&token).await));
    // so long a revocation may take; the contract allows ten seconds
    assert!(REMEMBERED < Duration::from_secs(10));
}

#[tokio::test]
async fn an_expired_token_is_told_from_a_bad_one() {
    let (_folder, store) = store().await;
    let token = made(&store, "user", Some(Duration::ZERO)).await;
    let lookup = TokenLookup::new(store);
    for _looked_up_and_remembered in 0..2 {
        assert!(matches!(lookup.find(&token).await, Err(AuthError::Expired)));
    }
}

#[tokio::test]
async fn an_unknown_token_is_looked_up_once() {
    let (_folder, store) = store().await;
    let token = format!("{PREFIX}{}", "x".repeat(43));
    let lookup = TokenLookup::new(store.clone());
    assert!(refused(&lookup.find(&token).await));
    // there from now on, which only a second look would find out
    let new = NewToken {
        id: uuid::Uuid::now_v7(),
        hash: hash(&token),
        user: "ann".parse().unwrap(),
        scope: "user".to_owned(),
        expires_at: None,
    };
    store.token_create(new).await.unwrap();
    assert!(refused(&lookup.find(&token).await));
    assert!(TokenLookup::new(store).find(&token).await.is_ok());
}

#[tokio::test]
async fn texts_of_another_length_reach_neither_database_nor_memory() {
    let (_folder, store) = store().await;
    let lookup = TokenLookup::new(store);
    for other in ["pg_".to_owned(), format!("pg_{}", "x".repeat(42)), format!("pg_{}", "x".repeat(100_000))] {
        assert!(refused(&lookup.find(&other).await));
        assert!(lookup.bad.get(&hash(&other)).is_none());
    }
}
