//! Operators that work on each element by itself.

use super::Call;
use super::broadcast::{Walk, common, expand, pick, stretched, zip};
use super::number::{Number, floating, not, pow, same, typed};
use crate::error::Result;
use crate::import::error;
use crate::import::onnx::tensor::{Data, Element, Tensor};
use crate::math;

/// One number to one of the same type.
pub(super) fn unary(call: &Call) -> Result<Tensor> {
    call.at_most(1)?;
    call.node.only(&[])?;
    let x = call.input(0)?;
    call.room(&x.shape)?;
    fn each<T: Number>(v: &[T], f: impl Fn(T) -> T) -> Result<Data> {
        Ok(T::pack(v.iter().map(|&x| f(x)).collect()))
    }
    // Keeps NaN.
    fn sign<T: Number>(x: T) -> T {
        if x > T::ZERO {
            T::ONE
        } else if x < T::ZERO {
            T::ZERO.sub(T::ONE)
        } else if x.is_nan() {
            x
        } else {
            T::ZERO
        }
    }
    fn real<T: Number>(v: &[T], f: impl Fn(f64) -> f64) -> Result<Data> {
        each(v, |x| T::of_f64(f(x.to_f64())))
    }
    let data = match call.node.op.as_str() {
        "Abs" => match &x.data {
            Data::I32(v) => each(v, |x| x.wrapping_abs()),
            Data::I64(v) => each(v, |x| x.wrapping_abs()),
            Data::F32(v) => each(v, f32::abs),
            other => floating!(other, v => real(v, f64::abs)),
        },
        "Neg" => match &x.data {
            Data::I32(v) => each(v, |x| x.wrapping_neg()),
            Data::I64(v) => each(v, |x| x.wrapping_neg()),
            other => floating!(other, v => real(v, |x| -x)),
        },
        "Sign" => typed!(&x.data, v => each(v, sign)),
        "Relu" => typed!(&x.data, v => each(v, |x| x.larger(Number::ZERO))),
        "Ceil" => floating!(&x.data, v => real(v, f64::ceil)),
        "Floor" => floating!(&x.data, v => real(v, f64::floor)),
        "Round" => floating!(&x.data, v => real(v, f64::round_ties_even)),
        "Exp" => floating!(&x.data, v => real(v, math::exp)),
        "Log" => floating!(&x.data, v => real(v, math::ln)),
        "Sqrt" => floating!(&x.data, v => real(v, f64::sqrt)),
        "Reciprocal" => floating!(&x.data, v => real(v, |x| 1.0 / x)),
        "Sigmoid" => floating!(&x.data, v => real(v, |x| if x.is_nan() { x } else { math::sigmoid(x) })),
        "Tanh" => floating!(&x.data, v => real(v, math::tanh)),
        // ln(1 + e^x), without overflow.
        "Softplus" => floating!(&x.data, v => real(v, |x| x.max(0.0) + math::ln_1p(math::exp(-x.abs())))),
        _ => Err(error("not understood")),
    }?;
    call.make(x.shape.clone(), data)
}

/// Two numbers of one type to a third; `Pow` takes an exponent of another type too.
pub(super) fn arithmetic(call: &Call) -> Result<Tensor> {
    call.at_most(2)?;
    call.node.only(&[])?;
    let (a, b) = (call.input(0)?, call.input(1)?);
    let shape = shape_of_both(call, a, b, 7)?;
    if call.node.op == "Pow" {
        let exponent = b.to_f64().ok_or_else(|| not(&b.data, "numbers"))?;
        let data = typed!(&a.data, v => {
            Ok(Number::pack(zip(&shape, (v, &a.shape), (&exponent, &b.shape), |&x, &y| pow(x, y))))
        })?;
        return call.make(shape, data);
    }
    let data = typed!(&a.data, v => combine(call, v, &a.shape, b, &shape))?;
    call.make(shape, data)
}

/// The shape to which two inputs stretch, paid for. Before version `since`, inputs stretched only where an attribute said so.
fn shape_of_both(call: &Call, a: &Tensor, b: &Tensor, since: i64) -> Result<Vec<usize>> {
    if call.node.opset < since && a.shape != b.shape {
        return Err(error(format!(
            "shapes {:?} and {:?} differ, which version {} does not allow",
            a.shape, b.shape, call.node.opset
        )));
    }
    let shape = common(&a.shape, &b.shape)?;
    call.room(&shape)?;
    Ok(shape)
}

fn combine<T: Number>(call: &Call, a: &[T], a_shape: &[usize], b: &Tensor, shape: &[usize]) -> Result<Data> {
    let (a, b) = ((a, a_shape), (same::<T>(&b.data)?, b.shape.as_slice()));
    let by_zero = || error("a whole number is divided by 0");
    let values: Vec<T> = match call.node.op.as_str() {
        "Add" => zip(shape, a, b, |x, y| x.add(*y)),
        "Sub" => zip(shape, a, b, |x, y| x.sub(*y)),
        "Mul" => zip(shape, a, b, |x, y| x.mul(*y)),
        _ => zip(shape, a, b, |x, y| x.div(*y)).into_iter().collect::<Option<_>>().ok_or_else(by_zero)?,
    };
    Ok(T::pack(values))
}

/// Any number of inputs of one type, stretched to each other.
pub(super) fn variadic(call: &Call) -> Result<Tensor> {
    call.node.only(&[])?;
    let mut out = call.input(0)?.clone();
    for i in 1..call.inputs.len() {
        let next = call.input(i)?;
        let shape = shape_of_both(call, &out, next, 8)?;
        let op = call.node.op.as_str();
        fn both<T: Number>(op: &str, v: &[T], from: &[usize], next: &Tensor, shape: &[usize]) -> Result<Data> {
            let f = |x: &T, y: &T| match op {
                "Max" => x.larger(*y),
                "Min" => x.smaller(*y),
                _ => x.add(*y),
            };
            Ok(T::pack(zip(shape, (v, from), (same::<T>(&next.data)?, &next.shape), f)))
        }
        let data = typed!(&out.data, v => both(op, v, &out.shape, next, &shape))?;
        out = call.make(shape, data)?;
    }
    if call.node.op == "Mean" {
        let n = call.inputs.len() as f64;
        fn divide<T: Number>(v: &[T], n: f64) -> Result<Data> {
            Ok(T::pack(v.iter().map(|x| x.div(T::of_f64(n)).unwrap_or(*x)).collect()))
        }
        out.data = floating!(&out.data, v => divide(v, n))?;
    }
    typed!(&out.data, _v => Ok(()))?;
    Ok(out)
}

/// Two numbers (`Equal`: texts and booleans too) to true or false.
pub(super) fn compare(call: &Call) -> Result<Tensor> {
    call.at_most(2)?;
    call.node.only(&[])?;
    let (a, b) = (call.input(0)?, call.input(1)?);
    let shape = shape_of_both(call, a, b, 7)?;
    let values = match (call.node.op.as_str(), &a.data, &b.data) {
        ("Equal", Data::Str(v), Data::Str(w)) => zip(&shape, (v, &a.shape), (w, &b.shape), |x, y| x == y),
        ("Equal", Data::Bool(v), Data::Bool(w)) => zip(&shape, (v, &a.shape), (w, &b.shape), |x, y| x == y),
        _ => {
            fn numbers<T: Number>(op: &str, v: &[T], a: &Tensor, b: &Tensor, shape: &[usize]) -> Result<Vec<bool>> {
                let f = |x: &T, y: &T| match op {
                    "Equal" => x == y,
                    "Greater" => x > y,
                    "GreaterOrEqual" => x >= y,
                    "Less" => x < y,
                    _ => x <= y,
                };
                Ok(zip(shape, (v, &a.shape), (same::<T>(&b.data)?, &b.shape), f))
            }
            typed!(&a.data, v => numbers(&call.node.op, v, a, b, &shape))?
        }
    };
    call.make(shape, Data::Bool(values))
}

fn booleans(tensor: &Tensor) -> Result<&[bool]> {
    if let Data::Bool(v) = &tensor.data { Ok(v) } else { Err(not(&tensor.data, "booleans")) }
}

/// Booleans to a boolean.
pub(super) fn logic(call: &Call) -> Result<Tensor> {
    call.node.only(&[])?;
    let a = call.input(0)?;
    if call.node.op == "Not" {
        call.at_most(1)?;
        call.room(&a.shape)?;
        return call.make(a.shape.clone(), Data::Bool(booleans(a)?.iter().map(|x| !x).collect()));
    }
    call.at_most(2)?;
    let b = call.input(1)?;
    let shape = shape_of_both(call, a, b, 7)?;
    let f = |x: &bool, y: &bool| match call.node.op.as_str() {
        "And" => *x && *y,
        "Or" => *x || *y,
        _ => x != y,
    };
    let values = zip(&shape, (booleans(a)?, &a.shape), (booleans(b)?, &b.shape), f);
    call.make(shape, Data::Bool(values))
}

/// Whether a number is NaN or infinite.
pub(super) fn classify(call: &Call) -> Result<Tensor> {
    call.at_most(1)?;
    let nan = call.node.op == "IsNaN";
    call.node.only(if nan { &[] } else { &["detect_negative", "detect_positive"] })?;
    let (below, above) = (call.node.flag("detect_negative", true)?, call.node.flag("detect_positive", true)?);
    let x = call.input(0)?;
    call.room(&x.shape)?;
    let f = |x: f64| if nan { x.is_nan() } else { (above && x == f64::INFINITY) || (below && x == f64::NEG_INFINITY) };
    let values = floating!(&x.data, v => Ok(v.iter().map(|&x| f(x.to_f64())).collect::<Vec<bool>>()))?;
    call.make(x.shape.clone(), Data::Bool(values))
}

/// `min(max(x, low), high)`: bounds are attributes before version 11, inputs from then on.
pub(super) fn clip(call: &Call) -> Result<Tensor> {
    let x = call.input(0)?;
    call.room(&x.shape)?;
    let attributes = call.node.opset < 11;
    call.at_most(if attributes { 1 } else { 3 })?;
    call.node.only(if attributes { &["min", "max"] } else { &[] })?;
    let bound = |name: &str, i: usize| -> Result<Option<Data>> {
        if attributes {
            let v = call.node.float_opt(name)?.map(f64::from);
            return Ok(
                v.map(|v| if x.element() == Element::F64 { Data::F64(vec![v]) } else { Data::F32(vec![v as f32]) })
            );
        }
        match call.optional(i) {
            Some(t) if t.len() != 1 => Err(error(format!("`{name}` has {} elements in place of one", t.len()))),
            t => Ok(t.map(|t| t.data.clone())),
        }
    };
    let (low, high) = (bound("min", 1)?, bound("max", 2)?);
    fn clipped<T: Number>(v: &[T], low: Option<&Data>, high: Option<&Data>) -> Result<Data> {
        let one = |d: &Data| same::<T>(d).map(|v| v.first().copied());
        let (low, high) = (low.map(one).transpose()?.flatten(), high.map(one).transpose()?.flatten());
        let f = |x: &T| {
            let x = low.map_or(*x, |low| x.larger(low));
            high.map_or(x, |high| x.smaller(high))
        };
        Ok(T::pack(v.iter().map(f).collect()))
    }
    let data = typed!(&x.data, v => clipped(v, low.as_ref(), high.as_ref()))?;
    call.make(x.shape.clone(), data)
}

/// To another type of elements.
pub(super) fn cast(call: &Call) -> Result<Tensor> {
    call.at_most(1)?;
    // `saturate` and `round_mode` concern 8-bit floats alone, which are not understood.
    call.node.only(&["to", "saturate", "round_mode"])?;
    let x = call.input(0)?;
    call.room(&x.shape)?;
    let to = call.node.need("to", call.node.int_opt("to")?)?;
    let to = i32::try_from(to).map_err(|_| error(format!("attribute `to` is {to}, which is no type")))?;
    call.make(x.shape.clone(), converted(&x.data, Element::from_number(to)?)?)
}

/// As C++ converts on x86-64: numbers are cut off to whole ones, NaN and what is out of range becomes the smallest; whole numbers
/// wrap.
pub(super) fn converted(data: &Data, to: Element) -> Result<Data> {
    fn to_i64(v: f64) -> i64 {
        if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&v) { v as i64 } else { i64::MIN }
    }
    fn to_i32(v: f64) -> i32 {
        if v > -2_147_483_649.0 && v < 2_147_483_648.0 { v as i32 } else { i32::MIN }
    }
    fn parsed(text: &str) -> Result<f64> {
        text.trim().parse().map_err(|_| error(format!("the text `{}` is no number", text.escape_debug())))
    }
    if data.element() == to {
        return Ok(data.clone());
    }
    Ok(match (data, to) {
        (Data::Str(v), Element::F32) => {
            let parse = |t: &String| {
                t.trim().parse::<f32>().map_err(|_| error(format!("the text `{}` is no number", t.escape_debug())))
            };
            Data::F32(v.iter().map(parse).collect::<Result<_>>()?)
        }
        (Data::Str(v), Element::F64) => Data::F64(v.iter().map(|t| parsed(t)).collect::<Result<_>>()?),
        (Data::Str(v), Element::I64) => {
            let parse = |t: &String| {
                t.trim()
                    .parse::<i64>()
                    .map_err(|_| error(format!("the text `{}` is no whole number", t.escape_debug())))
            };
            Data::I64(v.iter().map(parse).collect::<Result<_>>()?)
        }
        (Data::Str(_), _) => {
            return Err(error(format!("texts are not made {} here: float32, float64 or int64 are", to.name())));
        }
        (Data::I32(v), Element::Str) => Data::Str(v.iter().map(i32::to_string).collect()),
        (Data::I64(v), Element::Str) => Data::Str(v.iter().map(i64::to_string).collect()),
        (other, Element::Str) => return Err(not(other, "whole numbers: others have no one text")),
        (Data::I64(v), Element::I32) => Data::I32(v.iter().map(|&x| x as i32).collect()),
        (Data::I64(v), Element::F32) => Data::F32(v.iter().map(|&x| x as f32).collect()),
        (Data::I64(v), Element::Bool) => Data::Bool(v.iter().map(|&x| x != 0).collect()),
        (Data::I64(v), _) => Data::F64(v.iter().map(|&x| x as f64).collect()),
        (other, to) => {
            // Exact: every other type fits into f64.
            let values: Vec<f64> = match other {
                Data::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
                Data::F64(v) => v.clone(),
                Data::I32(v) => v.iter().map(|&x| f64::from(x)).collect(),
                Data::Bool(v) => v.iter().map(|&x| f64::from(u8::from(x))).collect(),
                Data::I64(_) | Data::Str(_) => Vec::new(),
            };
            match to {
                Element::F32 => Data::F32(values.iter().map(|&x| x as f32).collect()),
                Element::I32 => Data::I32(values.iter().map(|&x| to_i32(x)).collect()),
                Element::I64 => Data::I64(values.iter().map(|&x| to_i64(x)).collect()),
                Element::Bool => Data::Bool(values.iter().map(|&x| x != 0.0).collect()),
                _ => Data::F64(values),
            }
        }
    })
}

/// `Where`: from the second input where the first is true, else from the third.
pub(super) fn choose(call: &Call) -> Result<Tensor> {
    call.at_most(3)?;
    call.node.only(&[])?;
    let (condition, x, y) = (call.input(0)?, call.input(1)?, call.input(2)?);
    if x.element() != y.element() {
        return Err(not(&y.data, x.element().name()));
    }
    let shape = common(&common(&condition.shape, &x.shape)?, &y.shape)?;
    let (x, y) = (expand(call, x, shape.clone())?, expand(call, y, shape.clone())?);
    let condition = (booleans(condition)?, stretched(&condition.shape, &shape));
    let n = call.room(&shape)?;
    // Both beside each other: the places of the second half are those of `y`.
    let both = super::movement::beside(&x.data, &y.data)?;
    let places = Walk::new(&shape, condition.1, 0).enumerate().map(|(i, at)| if condition.0[at] { i } else { n + i });
    call.make(shape.clone(), pick(&both, places)?)
}
