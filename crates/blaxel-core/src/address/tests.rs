use proptest::prelude::*;

use super::*;

/// Addresses that must be refused, with a part of the reason.
#[rustfmt::skip]
const HOSTILE: &[(&str, &str)] = &[
    // Ports that `Uri` ignores or misreads.
    ("http://127.0.0.1:99999/v0", "port"),
    ("http://127.0.0.1:65536", "port"),
    ("http://127.0.0.1:8o80/", "port"),
    ("http://127.0.0.1:-1", "port"),
    ("http://127.0.0.1:+80", "port"),
    ("http://127.0.0.1:port/", "port"),
    ("http://127.0.0.1:0/", "port"),
    ("http://127.0.0.1:00", "port"),
    ("http://127.0.0.1:080", "port"),
    ("http://127.0.0.1:", "port"),
    ("http://127.0.0.1:/v0", "port"),
    ("http://127.0.0.1:80:80/", "port"),
    ("http://127.0.0.1:80.", "port"),
    ("http://127.0.0.1: 80", "port"),
    ("http://127.0.0.1:80 ,x", "port"),
    ("http://127.0.0.1:0x50", "port"),
    ("http://127.0.0.1:4294967376", "port"),
    ("http://127.0.0.1:18446744073709551696", "port"),
    ("http://127.0.0.1:٨٠", "port"),
    ("http://127.0.0.1:80%20", "port"),
    ("http://[::1]:99999", "port"),
    ("http://[::1]:", "port"),
    ("https://api.blaxel.ai:https", "port"),
    ("https://me:canary", "port"),
    // User information.
    ("https://user:canary@api.blaxel.ai", "names a user"),
    ("https://canary@api.blaxel.ai", "names a user"),
    ("https://@api.blaxel.ai", "names a user"),
    ("https://:@api.blaxel.ai", "names a user"),
    ("https://api.blaxel.ai@evil.example", "names a user"),
    ("https://api.blaxel.ai:443@evil.example", "names a user"),
    ("https://a:b@c@evil.example", "names a user"),
    ("https://user:can/ary@api.blaxel.ai", "port"),
    ("https://user:can#ary@api.blaxel.ai", "port"),
    ("https://user:can?ary@api.blaxel.ai", "port"),
    ("https://user:1234/canary@api.blaxel.ai", "`@`"),
    ("https://user/canary@api.blaxel.ai", "`@`"),
    // Fragments, backslashes and characters that must be escaped.
    ("https://api.blaxel.ai/v0#canary", "fragment"),
    ("https://api.blaxel.ai#canary", "fragment"),
    ("https://api.blaxel.ai/v0?x#canary", "fragment"),
    ("https://api.blaxel.ai\\@evil.example", "backslash"),
    ("https://api.blaxel.ai\\.evil.example/", "backslash"),
    ("https://api.blaxel.ai/v0\\..", "backslash"),
    ("https:\\\\api.blaxel.ai", "no scheme"),
    ("https://api.blaxel.ai/a b", "space"),
    ("https://api.blaxel.ai/a\nb", "space"),
    ("https://api.blaxel.ai/a\u{0}b", "space"),
    ("https://api.blaxel.ai/ä", "must be escaped"),
    ("https://api.blaxel.ai/?q=\u{202e}x", "must be escaped"),
    // Empty and odd hosts.
    ("https://", "no host"),
    ("https:///v0", "no host"),
    ("https:////evil.example/", "no host"),
    ("https://?x", "no host"),
    ("https://#x", "no host"),
    ("https://:443/", "no host"),
    ("https://.", "neither a name"),
    ("https://..", "neither a name"),
    ("https://.blaxel.ai", "neither a name"),
    ("https://api..blaxel.ai", "neither a name"),
    ("https://api.blaxel.ai.", "neither a name"),
    ("https://api blaxel.ai", "neither a name"),
    ("https://api.blaxel.ai /v0", "neither a name"),
    ("https://api\tblaxel.ai", "neither a name"),
    ("https://api.blaxel.ai\r\nhost: evil", "neither a name"),
    ("https://api\u{0}.blaxel.ai", "neither a name"),
    ("https://api%2eblaxel.ai", "neither a name"),
    ("https://user%40evil.example", "neither a name"),
    ("https://*.blaxel.ai", "neither a name"),
    ("https://-api.blaxel.ai", "neither a name"),
    ("https://api-.blaxel.ai", "neither a name"),
    ("https://api,blaxel.ai", "neither a name"),
    ("https://a;b", "neither a name"),
    ("https://a&b", "neither a name"),
    ("https://a'b", "neither a name"),
    ("https://<api>", "neither a name"),
    ("https://{host}", "neither a name"),
    ("https://$HOST/v0", "neither a name"),
    ("https://bücher.example", "neither a name"),
    ("https://аpi.blaxel.ai", "neither a name"),
    ("https://api\u{3002}blaxel.ai", "neither a name"),
    ("https://api\u{200b}.blaxel.ai", "neither a name"),
    ("https://\u{feff}api.blaxel.ai", "neither a name"),
    // IPv4 addresses that only the resolver understands.
    ("http://127.1", "neither a name"),
    ("http://127.0.0.01", "neither a name"),
    ("http://2130706433/", "neither a name"),
    ("http://0x7f000001", "neither a name"),
    ("http://0x7f.1", "neither a name"),
    ("http://0X7F.0X1", "neither a name"),
    ("http://0177.0.0.1", "neither a name"),
    ("http://127.0.0.1.", "neither a name"),
    ("http://1.2.3.4.5", "neither a name"),
    ("http://256.0.0.1", "neither a name"),
    ("http://api.0x", "neither a name"),
    // Brackets.
    ("http://[", "neither a name"),
    ("http://[::1", "neither a name"),
    ("http://::1]", "no host"),
    ("http://::1", "no host"),
    ("http://[]", "neither a name"),
    ("http://[]:80", "neither a name"),
    ("http://[::1]80", "neither a name"),
    ("http://[::1]x:80", "neither a name"),
    ("http://[[::1]]", "neither a name"),
    ("http://[127.0.0.1]", "neither a name"),
    ("http://[localhost]", "neither a name"),
    ("http://[fe80::1%eth0]", "neither a name"),
    ("http://[fe80::1%25eth0]:80", "neither a name"),
    ("http://[v1.x]", "neither a name"),
    ("http://[::1]@evil.example", "names a user"),
    // Schemes.
    ("", "no scheme"),
    ("api.blaxel.ai/v0", "no scheme"),
    ("api.blaxel.ai:443", "no scheme"),
    ("//api.blaxel.ai/v0", "no scheme"),
    ("/v0", "no scheme"),
    ("https:/api.blaxel.ai", "no scheme"),
    ("https:api.blaxel.ai", "no scheme"),
    ("://api.blaxel.ai", "neither https"),
    ("ftp://api.blaxel.ai", "neither https"),
    ("ws://api.blaxel.ai", "neither https"),
    ("file:///etc/passwd", "neither https"),
    ("blaxel://control/agents", "neither https"),
    ("javascript://api.blaxel.ai/", "neither https"),
    ("https+http://api.blaxel.ai", "neither https"),
    ("hтtps://api.blaxel.ai", "neither https"),
    ("\"https://api.blaxel.ai\"", "neither https"),
    ("'https://api.blaxel.ai", "neither https"),
    ("url=https://api.blaxel.ai", "neither https"),
];

#[test]
fn hostile_addresses_are_refused_without_being_shown() {
    for (text, part) in HOSTILE {
        let Err(error) = Address::read(text) else {
            panic!("{text:?} was accepted");
        };
        let shown = format!("{error} {error:?}");
        assert!(error.to_string().contains(part), "{text:?}: {shown}");
        assert!(!shown.contains("canary"), "{text:?}: {shown}");
        assert!(!shown.contains("ary"), "{text:?}: {shown}");
        assert!(!shown.contains(char::is_control), "{text:?}: {shown:?}");
    }
}

#[test]
fn long_hosts_are_refused() {
    let label = "a".repeat(64);
    let name = ["a".repeat(63).as_str(); 4].join(".");
    for host in [label.as_str(), name.as_str()] {
        assert!(
            Address::read(&format!("https://{host}/")).is_err(),
            "{host}"
        );
    }
    let path = "a".repeat(70_000);
    assert!(Address::read(&format!("https://a/{path}")).is_err());
}

/// A `Uri` that a user made is checked by the same rules, because it accepts most of these.
#[test]
fn hostile_uris_fail_the_check() {
    let of_authority = ["port", "names a user", "no host", "neither a name"];
    let mut checked = 0;
    for (text, part) in HOSTILE {
        let Ok(uri) = text.parse::<Uri>() else {
            continue;
        };
        if of_authority.contains(part) {
            assert!(check(&uri).is_err(), "{text:?}");
            checked += 1;
        }
    }
    assert!(checked > 25, "{checked}");
}

#[test]
fn an_address_is_connected_to_as_it_was_read() {
    for (text, uri, host, port) in [
        (
            "https://api.blaxel.ai/v0",
            "https://api.blaxel.ai/v0",
            "api.blaxel.ai",
            443,
        ),
        (
            " HTTPS://API.Blaxel.AI \n",
            "https://api.blaxel.ai/",
            "api.blaxel.ai",
            443,
        ),
        ("http://localhost:1", "http://localhost:1/", "localhost", 1),
        (
            "Http://127.0.0.1:65535/a?b=c@d",
            "http://127.0.0.1:65535/a?b=c@d",
            "127.0.0.1",
            65535,
        ),
        ("http://[::1]", "http://[::1]/", "[::1]", 80),
        (
            "http://[2001:DB8::1]:8080?x",
            "http://[2001:db8::1]:8080/?x",
            "[2001:db8::1]",
            8080,
        ),
        (
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:127.0.0.1]/",
            "[::ffff:127.0.0.1]",
            443,
        ),
        (
            "https://my_server/%7Ea//b/",
            "https://my_server/%7Ea//b/",
            "my_server",
            443,
        ),
        (
            "https://xn--bcher-kva.example",
            "https://xn--bcher-kva.example/",
            "xn--bcher-kva.example",
            443,
        ),
        (
            "https://a.b/models/claude@001:run",
            "https://a.b/models/claude@001:run",
            "a.b",
            443,
        ),
        (
            "http://localhost:9/@x",
            "http://localhost:9/@x",
            "localhost",
            9,
        ),
        (
            "https://0xabc.example",
            "https://0xabc.example/",
            "0xabc.example",
            443,
        ),
        (
            "https://a/?x=https://b:99999/",
            "https://a/?x=https://b:99999/",
            "a",
            443,
        ),
    ] {
        let address = Address::read(text).unwrap();
        assert_eq!(address.uri().to_string(), uri, "{text}");
        assert_eq!((address.host(), address.port()), (host, port), "{text}");
        assert_eq!(check(address.uri()), Ok(()), "{text}");
    }
}

#[test]
fn plain_http_is_secure_on_loopback_only() {
    for text in [
        "http://127.0.0.1",
        "http://127.9.9.9:1",
        "http://[::1]:80/",
        "http://LOCALHOST/",
        "https://a",
    ] {
        assert!(Address::read_secure(text).is_ok(), "{text}");
    }
    for text in [
        "http://a",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "http://[::ffff:127.0.0.1]",
        "http://10.0.0.1",
    ] {
        let error = Address::read_secure(text).unwrap_err().to_string();
        assert!(
            error.contains("loopback") && error.contains(text),
            "{error}"
        );
    }
}

#[test]
fn an_error_shows_the_origin_and_nothing_else() {
    let error = Address::read("https://Api.blaxel.ai:444/canary?key=canary#x").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`https://api.blaxel.ai:444`: it has a fragment"
    );
    let error = Address::read("https://api.blaxel.ai:canary/").unwrap_err();
    let expected = "`https://api.blaxel.ai`: its port is not a number from 1 to 65535";
    assert_eq!(error.to_string(), expected);
    for (text, shown) in [
        (
            "api.blaxel.ai/canary",
            "`api.blaxel.ai`: it has no scheme or no host",
        ),
        ("bl_4canary", "it has no scheme or no host"),
        ("me:canary@host", "it has no scheme or no host"),
    ] {
        assert_eq!(Address::read(text).unwrap_err().to_string(), shown);
    }
    let address = Address::read("https://api.blaxel.ai/canary?key=canary").unwrap();
    assert_eq!(format!("{address:?}"), "Address(https://api.blaxel.ai)");
}

proptest! {
    /// The three readers that a request passes agree about where it goes.
    #[test]
    fn what_is_read_is_what_uri_connects_to(text in "(http|https)://[a-z0-9.:\\[\\]@%_/?#\\\\ -]{0,24}") {
        if let Ok(address) = Address::read(&text) {
            let again: Uri = text.trim().parse().unwrap();
            prop_assert_eq!(again.host(), Some(address.host()));
            prop_assert_eq!(port_of(&again), address.port());
            prop_assert_eq!(again.path(), address.uri().path());
            prop_assert_eq!(again.query(), address.uri().query());
        }
    }

    #[test]
    fn a_password_is_never_shown(before in ".{0,8}", middle in "[@#/?:\\\\%]{0,3}", after in ".{0,8}") {
        for text in [
            format!("https://{before}:hun{middle}ter2@{after}"),
            format!("{before}://u:hun{middle}ter2@{after}"),
            format!("u:hun{middle}ter2@{after}"),
        ] {
            if let Err(error) = Address::read(&text) {
                let shown = format!("{error} {error:?}");
                prop_assert!(!shown.contains("ter2") && !shown.contains("hun"), "{}", shown);
            }
        }
    }
}
