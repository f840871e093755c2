//! Tests of the whole workspace; see the files in `tests/`.
