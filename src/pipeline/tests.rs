use super::*;
use crate::schema::{Extra, Field};

const NAN: f64 = f64::NAN;
const NUMBER: Slot = Slot { missing: false, levels: None, unknown: false };
const CATEGORY: Slot = Slot { missing: false, levels: Some(3), unknown: false };

fn encoder(transform: Transform) -> Encoder {
    Encoder { slot: 0, impute: None, transform, indicator: false }
}

fn columns(encoder: &Encoder, value: f64) -> Vec<f64> {
    let encoders = Encoders(vec![encoder.clone()]);
    let mut x = vec![NAN; encoders.n_columns()];
    encoders.encode(&[value], &mut x);
    x
}

/// Every encoder over every value, by rows and by columns, alone and side by side: the same bits.
#[test]
fn columns_are_encoded_as_rows_are() {
    let one_hot = |levels: &[u32], unknown, missing| Transform::OneHot { levels: levels.to_vec(), unknown, missing };
    let transforms = [
        Transform::Pass,
        Transform::Pass,
        Transform::Pass,
        Transform::Standard { mean: 1.5, scale: -3.0 },
        Transform::Standard { mean: -BOUND, scale: 1e-300 },
        Transform::MinMax { scale: 0.3, min: -1.0, clip: None },
        Transform::MinMax { scale: 0.3, min: -1.0, clip: Some((0.0, 1.0)) },
        one_hot(&[0, 1, 2, 3], false, false),
        one_hot(&[1, 2, 3], true, false),
        one_hot(&[3, 0, 2], false, true),
        one_hot(&[2, 1], true, true),
        one_hot(&[], true, true),
        Transform::Ordinal { values: vec![0.5, -0.25, 4.0], unknown: NAN },
        Transform::Ordinal { values: vec![0.5, -0.25, 4.0], unknown: -1.0 },
    ];
    let hard = [0.0, -0.0, 1.0, 2.0, 3.0, 4.0, 0.5, -1.0, 1e-308, 1e155, -1e308, f64::INFINITY, f64::NEG_INFINITY, NAN];
    let encoders = |impute, indicator| {
        let all = transforms.iter().enumerate();
        Encoders(all.map(|(i, t)| Encoder { slot: i as u32 % 3, impute, transform: t.clone(), indicator }).collect())
    };
    for (impute, indicator) in [(None, false), (None, true), (Some(2.0), false), (Some(-7.5), true)] {
        let encoders = encoders(impute, indicator);
        let n = encoders.n_columns();
        for rows in [1, 2, 13, 255, 256] {
            let slots: Vec<f64> =
                (0..3 * BLOCK).map(|i| hard.get(i * 7 % 29).copied().unwrap_or((i % 11) as f64 - 4.5)).collect();
            let mut columns = vec![7.0; n * BLOCK];
            encoders.encode_block(&slots, rows, &mut columns);
            for r in 0..rows {
                let mut x = vec![7.0; n];
                encoders.encode(&[slots[r], slots[BLOCK + r], slots[2 * BLOCK + r]], &mut x);
                let mut ready = vec![7.0; n];
                Ready::new(&encoders).encode(
                    &encoders,
                    &[slots[r], slots[BLOCK + r], slots[2 * BLOCK + r]],
                    &mut ready,
                );
                assert!(
                    ready.iter().zip(&x).all(|(a, b)| crate::math::bits(*a) == crate::math::bits(*b)),
                    "{ready:?} {x:?}"
                );
                for (j, v) in x.iter().enumerate() {
                    let own = columns[j * BLOCK + r];
                    let same = own.to_bits() == v.to_bits() || own.is_nan() && v.is_nan();
                    assert!(same, "column {j}, row {r} of {rows}: {own}, by rows {v}");
                }
            }
        }
    }
}

/// Equal, a NaN to a NaN.
fn same(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b || a.is_nan() && b.is_nan())
}

#[test]
fn each_encoder_writes_its_columns() {
    let one_hot = |unknown, missing| Transform::OneHot { levels: vec![2, 0], unknown, missing };
    let ordinal = Transform::Ordinal { values: vec![10.0, 20.0, 30.0], unknown: -1.0 };
    let imputed = Encoder { impute: Some(2.0), indicator: true, ..encoder(one_hot(false, false)) };
    let clipped = Transform::MinMax { scale: 0.5, min: 1.0, clip: Some((0.0, 2.0)) };
    for (encoder, value, expected) in [
        (encoder(Transform::Pass), 2.5, vec![2.5]),
        (encoder(Transform::Pass), NAN, vec![NAN]),
        (encoder(Transform::Pass), 1e300, vec![BOUND]),
        (encoder(Transform::Standard { mean: 1.0, scale: 4.0 }), 3.0, vec![0.5]),
        (encoder(Transform::Standard { mean: -BOUND, scale: 1e-300 }), 1e308, vec![BOUND]),
        (encoder(clipped.clone()), -1.0, vec![0.5]),
        (encoder(clipped.clone()), -9.0, vec![0.0]),
        (encoder(clipped.clone()), 9.0, vec![2.0]),
        (encoder(clipped), NAN, vec![NAN]),
        (encoder(one_hot(false, false)), 0.0, vec![0.0, 1.0]),
        (encoder(one_hot(false, false)), 1.0, vec![0.0, 0.0]),
        (encoder(one_hot(false, false)), NAN, vec![0.0, 0.0]),
        (encoder(one_hot(true, true)), 2.0, vec![1.0, 0.0, 0.0, 0.0]),
        (encoder(one_hot(true, true)), 1.0, vec![0.0, 0.0, 1.0, 0.0]),
        (encoder(one_hot(true, true)), NAN, vec![0.0, 0.0, 0.0, 1.0]),
        (encoder(one_hot(false, true)), NAN, vec![0.0, 0.0, 1.0]),
        (imputed.clone(), NAN, vec![1.0, 0.0, 1.0]),
        (imputed, 0.0, vec![0.0, 1.0, 0.0]),
        (encoder(ordinal.clone()), 1.0, vec![20.0]),
        (encoder(ordinal.clone()), 3.0, vec![-1.0]),
        (encoder(ordinal.clone()), 0.5, vec![-1.0]),
        (encoder(ordinal.clone()), -1.0, vec![-1.0]),
        (encoder(ordinal), NAN, vec![NAN]),
    ] {
        let x = columns(&encoder, value);
        assert!(same(&x, &expected), "{encoder:?} of {value}: {x:?}, expected {expected:?}");
    }
}

#[test]
fn the_check_knows_where_missing_can_be() {
    let missing = |slot: Slot, encoder: &Encoder| {
        let columns = Encoders(vec![encoder.clone()]).check(&[slot]).unwrap();
        columns.iter().map(|c| c.missing).collect::<Vec<_>>()
    };
    let may = |slot: Slot| Slot { missing: true, ..slot };
    let pass = encoder(Transform::Pass);
    let imputed = Encoder { impute: Some(0.0), indicator: true, ..pass.clone() };
    let one_hot = encoder(Transform::OneHot { levels: vec![0, 1], unknown: false, missing: false });
    let ordinal = encoder(Transform::Ordinal { values: vec![0.0, 1.0, 2.0], unknown: NAN });
    assert_eq!(missing(NUMBER, &pass), [false]);
    assert_eq!(missing(may(NUMBER), &pass), [true]);
    assert_eq!(missing(may(NUMBER), &imputed), [false, false]);
    assert_eq!(missing(may(CATEGORY), &one_hot), [false, false]);
    assert_eq!(missing(CATEGORY, &ordinal), [false], "every level has a number");
    assert_eq!(missing(Slot { unknown: true, ..CATEGORY }, &ordinal), [true]);
    assert_eq!(missing(may(CATEGORY), &ordinal), [true]);
    assert_eq!(missing(may(CATEGORY), &Encoder { impute: Some(1.0), ..ordinal.clone() }), [false]);
    assert_eq!(missing(may(CATEGORY), &Encoder { impute: Some(3.0), ..ordinal }), [true], "imputed with no level");
}

#[test]
fn unsound_encoders_are_refused() {
    let standard = |mean, scale| Transform::Standard { mean, scale };
    let one_hot = |levels: &[u32]| Transform::OneHot { levels: levels.to_vec(), unknown: false, missing: false };
    let min_max = |scale, min, clip| Transform::MinMax { scale, min, clip };
    let ordinal = |values: &[f64], unknown| Transform::Ordinal { values: values.to_vec(), unknown };
    for (slot, transform, says) in [
        (NUMBER, standard(0.0, 0.0), "scale not 0"),
        (NUMBER, standard(NAN, 1.0), "finite"),
        (NUMBER, standard(0.0, f64::INFINITY), "finite"),
        (NUMBER, min_max(NAN, 0.0, None), "finite"),
        (NUMBER, min_max(1.0, f64::INFINITY, None), "finite"),
        (NUMBER, min_max(1.0, 0.0, Some((1.0, 0.0))), "ascending"),
        (NUMBER, min_max(1.0, 0.0, Some((0.0, NAN))), "ascending"),
        (NUMBER, one_hot(&[0]), "slot 0 is neither"),
        (NUMBER, ordinal(&[], 0.0), "slot 0 is neither"),
        (CATEGORY, one_hot(&[]), "1 to 65536 columns"),
        (CATEGORY, one_hot(&[3]), "level 3 has a one-hot column, but there are 3 levels"),
        (CATEGORY, one_hot(&[1, 1]), "level 1 has two"),
        (CATEGORY, ordinal(&[0.0, 1.0], 0.0), "3 finite numbers"),
        (CATEGORY, ordinal(&[0.0, 1.0, NAN], 0.0), "3 finite numbers"),
        (CATEGORY, ordinal(&[0.0, 1.0, 2.0], f64::INFINITY), "finite number or missing"),
    ] {
        let e = Encoders(vec![encoder(transform.clone())]).check(&[slot]).unwrap_err().to_string();
        assert!(e.starts_with("encoder 0: ") && e.contains(says), "{transform:?}: {e}");
    }
    let elsewhere = Encoder { slot: 1, ..encoder(Transform::Pass) };
    assert!(
        Encoders(vec![elsewhere]).check(&[NUMBER]).unwrap_err().to_string().contains("reads slot 1, but there are 1")
    );
    let infinite = Encoder { impute: Some(f64::INFINITY), ..encoder(Transform::Pass) };
    assert!(Encoders(vec![infinite]).check(&[NUMBER]).is_err());
    let many = Encoders(vec![encoder(Transform::Pass); MAX_COLUMNS + 1]);
    assert!(many.check(&[NUMBER]).unwrap_err().to_string().contains("more than 65536 columns"));
}

#[cfg(feature = "cli")]
#[test]
fn derived_features_follow_the_fields() {
    let number =
        |name: &str| Field { name: name.into(), kind: FieldKind::Number { min: None, max: None }, required: true };
    let schema = Schema { fields: vec![number("a"), number("b")], extra: Extra::Ignore };
    let derived = |name: &str, text: &str, earlier: &[(String, Type)]| Derived {
        name: name.into(),
        text: text.into(),
        expr: Expr::parse(text, &schema, earlier).unwrap(),
    };
    let ratio = derived("ratio", "a / b", &[]);
    let big = derived("big", "ratio > 2", &[("ratio".into(), Type::Number)]);
    let pass = |slot| Encoder { slot, ..encoder(Transform::Pass) };
    let encoders = Encoders((0..4).map(pass).collect());
    let pipeline = Pipeline { derived: vec![ratio.clone(), big.clone()], encoders };
    let columns = pipeline.check(&schema).unwrap();
    assert_eq!(columns.iter().map(|c| c.missing).collect::<Vec<_>>(), [false, false, true, true]);
    assert_eq!(columns[3].levels, Some(2), "a flag has two levels");

    let mut slots = [6.0, 2.0, NAN, NAN];
    pipeline.derive(&mut slots, 0.0);
    assert_eq!(slots, [6.0, 2.0, 3.0, 1.0]);
    let mut slots = [6.0, 0.0, 1.0, 1.0];
    pipeline.derive(&mut slots, 0.0);
    assert!(slots[2].is_nan() && slots[3].is_nan());

    for (derived, says) in [
        (vec![Derived { name: "a".into(), ..ratio.clone() }], "a name of its own, not `a`"),
        (vec![Derived { name: String::new(), ..ratio.clone() }], "a name of its own"),
        (vec![ratio.clone(), ratio.clone()], "a name of its own, not `ratio`"),
        (vec![big.clone()], "derived feature `big`"),
    ] {
        let e = Pipeline { derived, encoders: Encoders::default() }.check(&schema).unwrap_err().to_string();
        assert!(e.contains(says), "{e}");
    }
}
