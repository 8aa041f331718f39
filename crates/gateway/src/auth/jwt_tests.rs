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

#[test]
fn an_expiry_may_have_a_fraction() {
    for exp in [serde_json::json!(soon() as f64 + 0.25), serde_json::json!(4e9), serde_json::json!(u64::MAX)]
    {
        let text = token(&serde_json::json!({"sub": "ann", "exp": exp}));
        assert!(hs256("leeway_s = 86400").verify(&text).is_ok(), "{exp}");
    }
    let old = token(&serde_json::json!({"sub": "ann", "exp": (soon() - 3600) as f64 + 0.5}));
    assert!(matches!(hs256("").verify(&old), Err(AuthError::Expired)));
    for exp in [
        serde_json::json!(-1),
        serde_json::json!(-1.5),
        serde_json::json!(1e300),
        serde_json::json!("4000000000"),
    ] {
        let text = token(&serde_json::json!({"sub": "ann", "exp": exp}));
        assert!(matches!(hs256("").verify(&text), Err(AuthError::Unauthenticated)), "{exp}");
    }
}

fn key_file(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys")).join(name)
}

type Signer = fn(&[u8]) -> jsonwebtoken::errors::Result<EncodingKey>;

#[rstest::rstest]
#[case::rsa("rsa", EncodingKey::from_rsa_pem, Algorithm::RS256)]
#[case::rsa_pss("rsa", EncodingKey::from_rsa_pem, Algorithm::PS256)]
#[case::p256("p256", EncodingKey::from_ec_pem, Algorithm::ES256)]
#[case::p384("p384", EncodingKey::from_ec_pem, Algorithm::ES384)]
#[case::ed25519("ed25519", EncodingKey::from_ed_pem, Algorithm::EdDSA)]
fn a_public_key_verifies_and_is_no_hmac_secret(
    #[case] name: &str,
    #[case] signer: Signer,
    #[case] algorithm: Algorithm,
) {
    let public = key_file(&format!("{name}.pub.pem"));
    let (key, algorithms) = public_key(public.clone()).unwrap();
    let verifier = verifier("", key, algorithms);
    let claims = serde_json::json!({"sub": "ann", "exp": soon()});
    let private = signer(&fs::read(key_file(&format!("{name}.pem"))).unwrap()).unwrap();
    let good = encode(&Header::new(algorithm), &claims, &private).unwrap();
    assert_eq!(verifier.verify(&good).unwrap().user.as_str(), "ann");
    let forged =
        encode(&Header::default(), &claims, &EncodingKey::from_secret(&fs::read(public).unwrap())).unwrap();
    assert!(matches!(verifier.verify(&forged), Err(AuthError::Unauthenticated)));
    let (head, signature) = good.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let broken = format!("{head}.{flipped}{}", &signature[1..]);
    assert!(matches!(verifier.verify(&broken), Err(AuthError::Unauthenticated)));
}

#[test]
fn a_file_without_a_public_key_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "no key").unwrap();
    assert!(matches!(public_key(file.path().to_owned()), Err(KeyError::NoKey(_))));
    assert!(matches!(public_key(key_file("missing.pem")), Err(KeyError::Io { .. })));
}
