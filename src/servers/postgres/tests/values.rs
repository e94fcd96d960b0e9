//! Values in both formats, there and back, and what is no value of its type.

use bytes::BytesMut;
use proptest::prelude::*;

use super::super::value::{Type, Value};
use super::super::wire::{Format, decode, encode};

const ALL: [Type; 17] = [
    Type::Bool,
    Type::Int2,
    Type::Int4,
    Type::Int8,
    Type::Float8,
    Type::Text,
    Type::Varchar,
    Type::Bytea,
    Type::Uuid,
    Type::Timestamptz,
    Type::Interval,
    Type::Jsonb,
    Type::BoolArray,
    Type::Int4Array,
    Type::Int8Array,
    Type::TextArray,
    Type::UuidArray,
];

fn some(kind: Type) -> BoxedStrategy<Value> {
    let array = |of: Type| {
        let item = prop_oneof![1 => Just(Value::Null), 4 => some(of)];
        prop::collection::vec(item, 0..5).prop_map(|items| Value::Array(items.into())).boxed()
    };
    match kind {
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::Int2 => any::<i16>().prop_map(|number| Value::Int(number.into())).boxed(),
        Type::Int4 => any::<i32>().prop_map(|number| Value::Int(number.into())).boxed(),
        Type::Int8 => any::<i64>().prop_map(Value::Int).boxed(),
        Type::Float8 => prop_oneof![
            any::<f64>().prop_filter("a number", |number| !number.is_nan()),
            Just(1e15),
            Just(1e-5),
            Just(0.5),
            Just(f64::INFINITY)
        ]
        .prop_map(Value::Float)
        .boxed(),
        Type::Text | Type::Varchar => prop_oneof!["[^\0]{0,8}", "[ ,\"{}\\\\nul]{0,6}", Just("NULL".to_owned())]
            .prop_map(|text| Value::Text(text.into()))
            .boxed(),
        Type::Jsonb => Just(Value::Text("{\"a\": [1, null]}".into())).boxed(),
        Type::Bytea => prop::collection::vec(any::<u8>(), 0..9).prop_map(|bytes| Value::Bytes(bytes.into())).boxed(),
        Type::Uuid => any::<u128>().prop_map(Value::Uuid).boxed(),
        // From 2000 years ago to 2000 years on.
        Type::Timestamptz => (-60_000_000_000_000_000i64..60_000_000_000_000_000).prop_map(Value::Time).boxed(),
        Type::Interval => (-5_000i32..5_000, -5_000i32..5_000, -9_000_000_000_000i64..9_000_000_000_000)
            .prop_map(|(months, days, micros)| Value::Interval { months, days, micros })
            .boxed(),
        Type::BoolArray => array(Type::Bool),
        Type::Int4Array => array(Type::Int4),
        Type::Int8Array => array(Type::Int8),
        Type::TextArray => array(Type::Text),
        Type::UuidArray => array(Type::Uuid),
        Type::Void => Just(Value::Text("".into())).boxed(),
    }
}

fn there_and_back(kind: Type, value: &Value, format: Format) -> Result<Value, String> {
    let mut bytes = BytesMut::new();
    encode(kind, value, format, &mut bytes).map_err(|refusal| refusal.message.into_owned())?;
    decode(kind, format, &bytes).map_err(|refusal| format!("{} from {bytes:?}", refusal.message))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_value_is_the_same_there_and_back(
        (kind, value) in prop::sample::select(ALL.to_vec()).prop_flat_map(|kind| (Just(kind), some(kind))),
        format in prop::sample::select(vec![Format::Text, Format::Binary]),
    ) {
        prop_assert_eq!(there_and_back(kind, &value, format), Ok(value));
    }

    #[test]
    fn no_bytes_make_a_value_panic(
        kind in prop::sample::select(ALL.to_vec()),
        format in prop::sample::select(vec![Format::Text, Format::Binary]),
        bytes in prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(b'{'), Just(b'1'), any::<u8>()], 0..40),
    ) {
        if let Err(refusal) = decode(kind, format, &bytes) {
            prop_assert!(!refusal.message.is_empty());
        }
    }
}

#[test]
fn what_is_no_value_is_refused_as_the_real_server_does() {
    let refused = |kind, format, bytes: &[u8]| decode(kind, format, bytes).expect_err("no value").state;
    assert_eq!(refused(Type::Int4, Format::Text, b"4294967296"), "22003");
    assert_eq!(refused(Type::Int4, Format::Text, b"four"), "22P02");
    assert_eq!(refused(Type::Int4, Format::Binary, b"\0\0\0"), "08P01");
    assert_eq!(refused(Type::Int4, Format::Binary, b"\0\0\0\0\0"), "22P03");
    assert_eq!(refused(Type::Text, Format::Binary, b"\xff"), "22021");
    assert_eq!(refused(Type::Text, Format::Binary, b"a\0b"), "22021");
    assert_eq!(refused(Type::Uuid, Format::Text, b"1234"), "22P02");
    assert_eq!(refused(Type::Jsonb, Format::Binary, b"\x01{"), "22P02");
    assert_eq!(refused(Type::TextArray, Format::Text, b"{a,"), "22P02");
    assert_eq!(refused(Type::TextArray, Format::Text, b"{{a}}"), "22P02");
    assert_eq!(refused(Type::Int4Array, Format::Binary, &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 0]), "42804");
}

#[test]
fn text_is_as_the_real_server_writes_it() {
    let text = |kind, value: Value| {
        let mut bytes = BytesMut::new();
        encode(kind, &value, Format::Text, &mut bytes).expect("a value of its type");
        String::from_utf8(bytes.to_vec()).expect("text is UTF-8")
    };
    for (number, told) in [
        (1.0, "1"),
        (-0.5, "-0.5"),
        (1e14, "100000000000000"),
        (1e15, "1e+15"),
        (1.5e-5, "1.5e-05"),
        (0.0001, "0.0001"),
        (1e300, "1e+300"),
        (f64::NAN, "NaN"),
        (f64::NEG_INFINITY, "-Infinity"),
    ] {
        assert_eq!(text(Type::Float8, Value::Float(number)), told);
    }
    assert_eq!(text(Type::Bool, Value::Bool(true)), "t");
    assert_eq!(text(Type::Bytea, Value::Bytes([1, 0xab].into())), "\\x01ab");
    let items = ["a", "b c", "", "null", "q\"\\"].map(|item| Value::Text(item.into()));
    assert_eq!(text(Type::TextArray, Value::Array(items.into())), r#"{a,"b c","","null","q\"\\"}"#);
    assert_eq!(text(Type::Int4Array, Value::Array([Value::Int(1), Value::Null].into())), "{1,NULL}");
}
