//! Access tokens for drives, and their folders.

use base64::prelude::*;
use blaxel_emulator::Emulator;
use ed25519_compact::{PublicKey, Signature};
use http::Method;
use serde_json::{Value, json};

use crate::support::{ask, get, in_sandbox, post, run};

fn part(text: &str) -> Value {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

#[tokio::test]
async fn a_token_is_verified_by_the_published_key() {
    let emulator = Emulator::offline();
    emulator.add("drives", "shared").unwrap();
    let service = emulator.service().verbatim();
    let keys = get("/drives/jwks.json").to(&service).await.expect(200);
    let key = &keys["keys"][0];
    assert_eq!(
        (&key["kty"], &key["crv"]),
        (&json!("OKP"), &json!("Ed25519"))
    );
    let public = BASE64_URL_SAFE_NO_PAD
        .decode(key["x"].as_str().unwrap())
        .unwrap();
    assert_eq!(public.len(), 32);

    let given = ask(Method::POST, "/drives/shared/access-token")
        .on(&emulator)
        .await;
    let given = given.expect(200);
    assert_eq!(
        (&given["token_type"], &given["expires_in"]),
        (&json!("Bearer"), &json!(3600))
    );
    let token = given["access_token"].as_str().unwrap();
    let parts: Vec<_> = token.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else {
        panic!("{token}")
    };
    let header = part(header);
    assert_eq!(
        (&header["alg"], &header["kid"]),
        (&json!("EdDSA"), &key["kid"])
    );
    let claims = part(claims);
    assert_eq!(
        (&claims["drive"], &claims["workspace"]),
        (&json!("shared"), &json!("demo"))
    );
    let now = emulator.clock().now().unix().unwrap().0;
    assert_eq!(
        (&claims["iat"], &claims["exp"]),
        (&json!(now), &json!(now + 3600))
    );
    let public = PublicKey::from_slice(&public).unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let signature = Signature::from_slice(&signature).unwrap();
    let (signed, _) = token.rsplit_once('.').unwrap();
    public.verify(signed, &signature).unwrap();
    assert!(public.verify(format!("{signed}A"), &signature).is_err());

    let missing = ask(Method::POST, "/drives/none/access-token")
        .on(&emulator)
        .await;
    assert_eq!(missing.control_error(404), "Drive not found");
}

#[tokio::test]
async fn each_emulator_has_its_own_key() {
    let key = async |seed| {
        let emulator = Emulator::builder().seed(seed).build();
        get("/drives/jwks.json").on(&emulator).await.expect(200)["keys"][0]["x"].clone()
    };
    assert_eq!(key(1).await, key(1).await);
    assert_ne!(key(1).await, key(2).await);
}

/// Deletes a folder of the drive `shared` and returns the status.
async fn delete(emulator: &Emulator, query: &str) -> u16 {
    let uri = format!("/drives/shared/folders{query}");
    ask(Method::DELETE, uri).on(emulator).await.status.as_u16()
}

#[tokio::test]
async fn a_folder_is_deleted_with_everything_in_it() {
    let emulator = Emulator::offline();
    emulator.add("drives", "shared").unwrap();
    emulator.add("sandboxes", "box").unwrap();
    let mount = json!({"driveName": "shared", "mountPath": "/mnt"});
    let mounted = post(in_sandbox(&emulator, "box", "/drives/mount"), &mount);
    mounted.bare(&emulator.service()).await.expect(200);
    let files = "mkdir -p /mnt/a/b /mnt/c && echo 1 > /mnt/a/b/f && echo 2 > /mnt/c/g && ls /mnt";
    assert_eq!(run(&emulator, "box", files).await, "a\nc\n");

    // Nothing there is fine, and so is a second call.
    for path in ["/none", "/a/none", "/a/b/none/", "a//b", "/a/b"] {
        assert_eq!(
            delete(&emulator, &format!("?path={path}")).await,
            204,
            "{path}"
        );
    }
    assert_eq!(
        run(&emulator, "box", "ls /mnt/a && cat /mnt/c/g").await,
        "2\n"
    );
    for query in [
        "",
        "?path=",
        "?path=/",
        "?path=//",
        "?path=/a/..",
        "?path=.",
        "?path=/c/g",
    ] {
        assert_eq!(delete(&emulator, query).await, 400, "{query}");
    }
    assert_eq!(run(&emulator, "box", "ls /mnt").await, "a\nc\n");
    let missing = ask(Method::DELETE, "/drives/none/folders?path=/a");
    assert_eq!(
        missing.on(&emulator).await.control_error(404),
        "Drive not found"
    );
}
