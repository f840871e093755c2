//! Promise: importing a whole crate by `*` shadows no name of the language.
//!
//! Names from a glob import take precedence over the built-in crates and the prelude, so a public
//! item called `core`, `Option` or `Ok` would break the code of everyone who imports the crate this
//! way.

/// Compiles uses of the language's names in a module that imports everything from a crate.
macro_rules! beside {
    ($($krate:ident)*) => {
        $(
            mod $krate {
                #[allow(unused_imports)]
                use $krate::*;

                use core::fmt;
                use std::collections::BTreeMap;

                #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
                #[derive(serde::Deserialize, serde::Serialize)]
                struct Derived {
                    name: String,
                    of: Option<Vec<u8>>,
                }

                impl fmt::Display for Derived {
                    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(&self.name)
                    }
                }

                #[test]
                fn a_glob_import_shadows_no_language_name() {
                    let mut one = Derived { name: "a".to_owned(), of: Some(vec![1]) };
                    let mut two = Derived::default();
                    core::mem::swap(&mut one, &mut two);
                    std::mem::swap(&mut one, &mut two);
                    let text: Box<str> = format!("{one}{}", ToString::to_string(&two)).into();
                    let read: Result<u8, core::num::ParseIntError> = text.parse();
                    let kept = match read {
                        Ok(_) => None,
                        Err(error) => Some(shown(&error)),
                    };
                    assert!(kept.is_some_and(|kept| !kept.is_empty()));
                    assert_eq!(BTreeMap::from([(1, 'a')]).into_iter().next(), Some((1, 'a')));
                }

                fn shown(error: &dyn core::error::Error) -> String {
                    error.to_string()
                }
            }
        )*
    };
}

beside! {
    blaxel blaxel_auth blaxel_billing blaxel_core blaxel_emulator blaxel_inference
    blaxel_management blaxel_transport
}

/// All crates export the shared crate `blaxel-core` under the same name.
#[test]
fn every_crate_exports_the_same_core() {
    fn same<T>(_: fn(T), _: fn(T)) {}
    let shared: fn(::blaxel_core::Error) = drop;
    same::<::blaxel::blaxel_core::Error>(shared, drop);
    same::<::blaxel_auth::blaxel_core::Error>(shared, drop);
    same::<::blaxel_billing::blaxel_core::Error>(shared, drop);
    same::<::blaxel_inference::blaxel_core::Error>(shared, drop);
    same::<::blaxel_management::blaxel_core::Error>(shared, drop);
    same::<::blaxel_transport::blaxel_core::Error>(shared, drop);
}
