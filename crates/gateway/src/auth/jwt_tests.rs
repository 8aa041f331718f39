use super::*;
use crate::auth::Scope;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn settings(text: &str) -> JwtSettings {
    let defaults = crate::settings::DEFAULTS.split("[auth.jwt]").nth(1).unwrap().split("\n[").next().unwrap();
    let mut table: toml::Table = defaults.parse().unwrap();
    table.extend(text.parse::<toml::Table>().unwrap());
    table.try_into().unwrap()
}

fn verifier(text: &str, key: DecodingKey, algorithms: Vec<Algorithm>) -> JwtVerifier {
    JwtVerifier { key, validation: validation(&settings(text), algorithms), remembered: Cache::new(10) }
}

fn hs256(text: &str) -> JwtVerifier {
    verifier(text, DecodingKey::from_secret(SECRET.as_bytes()), vec![Algorithm::HS256])
}

fn token(claims: &serde_json::Value) -> String {
    encode(&Header::default(), claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

fn soon() -> i64 {
    Timestamp::now().as_ms() / 1000 + 60
}

#[test]
fn a_signed_token_is_good_and_has_the_user_scope_by_default() {
    let verifier = hs256("");
    let text = token(&serde_json::json!({"sub": "ann", "exp": soon()}));
    for _first_and_remembered in 0..2 {
        let caller = verifier.verify(&text).unwrap();
        assert_eq!(caller.user.as_str(), "ann");
        assert!(caller.has(Scope::User) && !caller.has(Scope::Publish));
    }
}

#[test]
fn what_pollgate_signs_it_accepts() {
    let jwt = settings("issuer = \"me\"\naudience = \"you\"");
    let scopes: Scopes = "publish".parse().unwrap();
    let secret = Secret::from(SECRET.to_owned());
    let text = sign_hs256(&secret, &"ann".parse().unwrap(), scopes, Duration::from_secs(60), &jwt).unwrap();
    let caller = hs256("issuer = \"me\"\naudience = \"you\"").verify(&text).unwrap();
    assert!(caller.has(Scope::Publish) && !caller.has(Scope::User));
}

#[test]
fn an_expired_token_is_told_from_a_bad_one() {
    let old = token(&serde_json::json!({"sub": "ann", "exp": soon() - 3600}));
    assert!(matches!(hs256("").verify(&old), Err(AuthError::Expired)));
    assert!(matches!(hs256("").verify("x.y.z"), Err(AuthError::Unauthenticated)));
}

#[test]
fn what_a_token_must_have_it_must_have() {
    let bad = [
        serde_json::json!({"sub": "ann"}),
        serde_json::json!({"exp": soon()}),
        serde_json::json!({"sub": "", "exp": soon()}),
        serde_json::json!({"sub": "x".repeat(200), "exp": soon()}),
        serde_json::json!({"sub": "ann", "exp": soon(), "nbf": soon() + 3600}),
    ];
    for claims in bad {
        assert!(matches!(hs256("").verify(&token(&claims)), Err(AuthError::Unauthenticated)), "{claims}");
    }
}

#[test]
fn issuer_and_audience_are_checked_when_configured() {
    let strict = hs256("issuer = \"me\"\naudience = \"you\"");
    let good = serde_json::json!({"sub": "ann", "exp": soon(), "iss": "me", "aud": ["you", "them"]});
    assert!(strict.verify(&token(&good)).is_ok());
    for bad in [
        serde_json::json!({"sub": "ann", "exp": soon()}),
        serde_json::json!({"sub": "ann", "exp": soon(), "iss": "other", "aud": "you"}),
        serde_json::json!({"sub": "ann", "exp": soon(), "iss": "me", "aud": "other"}),
    ] {
        assert!(strict.verify(&token(&bad)).is_err(), "{bad}");
    }
    let foreign = serde_json::json!({"sub": "ann", "exp": soon(), "aud": "anybody"});
    assert!(hs256("").verify(&token(&foreign)).is_ok());
}

#[test]
fn the_token_does_not_choose_its_algorithm() {
    let claims = serde_json::json!({"sub": "ann", "exp": soon()});
    let body = token(&claims).split('.').nth(1).unwrap().to_owned();
    // {"alg":"none"}, without a signature
    let unsigned = format!("eyJhbGciOiJub25lIn0.{body}.");
    assert!(matches!(hs256("").verify(&unsigned), Err(AuthError::Unauthenticated)));
    let hs512 = encode(&Header::new(Algorithm::HS512), &claims, &EncodingKey::from_secret(SECRET.as_bytes()));
    assert!(matches!(hs256("").verify(&hs512.unwrap()), Err(AuthError::Unauthenticated)));
}

const PRIVATE: &str = include_str!("../../tests/keys/ed25519.pem");
const PUBLIC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/ed25519.pub.pem");

#[test]
fn a_public_key_verifies_and_is_no_hmac_secret() {
    let (key, algorithms) = public_key(PathBuf::from(PUBLIC)).unwrap();
    let verifier = verifier("", key, algorithms);
    let claims = serde_json::json!({"sub": "ann", "exp": soon()});
    let signer = EncodingKey::from_ed_pem(PRIVATE.as_bytes()).unwrap();
    let good = encode(&Header::new(Algorithm::EdDSA), &claims, &signer).unwrap();
    assert!(verifier.verify(&good).is_ok());
    let pem = fs::read(PUBLIC).unwrap();
    let forged = encode(&Header::default(), &claims, &EncodingKey::from_secret(&pem)).unwrap();
    assert!(matches!(verifier.verify(&forged), Err(AuthError::Unauthenticated)));
}
