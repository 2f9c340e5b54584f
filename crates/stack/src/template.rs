//! A stack, described once.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::changes::Spot;
use crate::rules::check_pair;
use crate::{Changes, Error, Layer, Limits, Role, Stack};

/// A stack that is described once and built for each connection.
///
/// It holds no layer but how to make each, so no connection shares the state of another. What it
/// gives are [`Changes`], all or none of which take effect; so a template is applied to whatever
/// applies those: a new `Connection` (by `from_template`) or one that is under way, by its owner or
/// by a `Handle`; a [`Stack`]; and, from a callback such as an application's
/// [`attached`](crate::Protocol::attached), by a [`Context`](crate::Context).
///
/// A clone is cheap, and can be added to: one template for all, and for each host its own.
///
/// ```
/// use stack::{Context, Template, Watch};
///
/// #[derive(Default)]
/// struct Count(usize);
///
/// impl Watch for Count {
///     fn sent(&mut self, _: &Context<'_>, bytes: &[u8]) {
///         self.0 += bytes.len();
///     }
/// }
///
/// struct Tap(std::fs::File);
///
/// impl Watch for Tap {}
///
/// let template = Template::new()
///     .layer("count", Count::default)
///     .try_layer("tap", || std::fs::File::open("no such file").map(Tap));
/// assert_eq!(template.to_string(), "app <=> tap <=> count <=> network");
/// assert_eq!(template.changes().unwrap_err().layer(), Some("tap"));
///
/// let template = Template::new().layer("count", Count::default);
/// let (mut one, other) = (template.stack()?, template.stack()?);
/// one.write(b"hello")?;
/// assert_eq!(one.info::<Count>().unwrap().0, 5);
/// assert_eq!(other.info::<Count>().unwrap().0, 0);
/// # Ok::<(), stack::Error>(())
/// ```
///
/// # Which layer is which
///
/// [`Changes::id`] finds a layer by its type before it comes in, [`LayerView::id`](crate::LayerView::id)
/// one that stands, to pop it for instance:
///
/// ```
/// # use stack::{Template, Watch};
/// # struct Tap;
/// # impl Watch for Tap {}
/// let mut stack = Template::new().layer("tap", || Tap).stack()?;
/// let tap = stack.layers().find_map(|layer| layer.id::<Tap>()).expect("it stands");
/// stack.start_pop(tap)?;
/// # Ok::<(), stack::Error>(())
/// ```
#[derive(Clone, Default)]
#[must_use = "it builds nothing before it is applied"]
pub struct Template {
    /// Lowest first.
    parts: Arc<Vec<Part>>,
    limits: Limits,
}

/// How one of the layers is made.
#[derive(Clone)]
struct Part {
    name: Arc<str>,
    make: Arc<Make>,
}

type Make = dyn Fn() -> Result<Box<dyn Layer>, Error> + Send + Sync;

impl Template {
    /// Of no layer yet, and with the default limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a layer, above those that were added before. `make` makes it for each connection.
    ///
    /// The name is what drawings and errors of the template say; once it is built, a layer has the
    /// [name](Layer::name) that it gives itself.
    pub fn layer<L: Layer>(
        self,
        name: impl Into<Arc<str>>,
        make: impl Fn() -> L + Send + Sync + 'static,
    ) -> Self {
        self.part(name.into(), move || Ok(Box::new(make())))
    }

    /// [`layer`](Self::layer), for one whose making may fail. [`changes`](Self::changes) reports it:
    /// an [`Error`] as it is, any other as the source of one.
    pub fn try_layer<L: Layer, E: Into<Box<dyn StdError + Send + Sync>>>(
        self,
        name: impl Into<Arc<str>>,
        make: impl Fn() -> Result<L, E> + Send + Sync + 'static,
    ) -> Self {
        self.part(name.into(), move || match make() {
            Ok(layer) => Ok(Box::new(layer)),
            Err(cause) => Err(not_made(cause.into())),
        })
    }

    /// Sets the bounds and deadlines of the stacks that [`stack`](Self::stack) and
    /// `Connection::from_template` make. One that is there already keeps its own.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Makes the layers, for one connection: pushes, the lowest first, to be applied as one.
    ///
    /// # Errors
    ///
    /// The first of a layer that could not be made, or, of kind
    /// [`ErrorKind::Order`](crate::ErrorKind::Order), of one whose [`Role`] forbids its place above
    /// another of the template. Either names the layer. A program that would learn of it at its
    /// start calls this there once.
    pub fn changes(&self) -> Result<Changes, Error> {
        let mut changes = Changes::new();
        let mut below: Vec<Role> = Vec::new();
        for part in self.parts.iter() {
            let named = |error: Error| error.in_layer(&part.name);
            let layer = (part.make)().map_err(named)?;
            let role = layer.role();
            for lower in &below {
                check_pair(*lower, role).map_err(named)?;
            }
            below.push(role);
            changes.add_boxed(Spot::Top, layer);
        }
        Ok(changes)
    }

    /// A new stack of these layers, whose application reads and writes a stream of bytes. They may
    /// still have to talk with their peers: [`Stack::is_up`].
    ///
    /// # Errors
    ///
    /// As for [`changes`](Self::changes), or that of a layer that could not be attached.
    pub fn stack(&self) -> Result<Stack, Error> {
        let mut stack = Stack::new(self.limits.clone());
        match stack.apply(self.changes()?) {
            Ok(()) => Ok(stack),
            Err(error) => Err(error.error().clone()),
        }
    }

    fn part(
        mut self,
        name: Arc<str>,
        make: impl Fn() -> Result<Box<dyn Layer>, Error> + Send + Sync + 'static,
    ) -> Self {
        let make = Arc::new(make);
        Arc::make_mut(&mut self.parts).push(Part { name, make });
        self
    }
}

fn not_made(cause: Box<dyn StdError + Send + Sync>) -> Error {
    match cause.downcast::<Error>() {
        Ok(error) => *error,
        Err(cause) => Error::local("the layer could not be made").caused_by(cause.into()),
    }
}

/// As a [`Stack`] of these layers is drawn.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("app <=> ")?;
        for part in self.parts.iter().rev() {
            write!(f, "{} <=> ", part.name)?;
        }
        f.write_str("network")
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.parts.iter().map(|part| &part.name).collect();
        f.debug_struct("Template")
            .field("layers", &names)
            .field("limits", &self.limits)
            .finish()
    }
}
