//! Enums whose values have a stable number and a stable name.

/// Declares a fieldless enum whose variants carry a stable number and a stable snake_case name.
macro_rules! numbered {
    (
        $(#[$doc:meta])*
        $name:ident { $( $(#[$vdoc:meta])* $variant:ident = $number:literal $text:literal, )* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name { $( $(#[$vdoc])* $variant, )* }

        impl $name {
            /// Every value, in the order of the numbers.
            pub const ALL: &'static [$name] = &[ $( $name::$variant, )* ];

            /// The stable number; a number that is retired is never used again.
            pub const fn number(self) -> u16 {
                match self { $( $name::$variant => $number, )* }
            }

            /// The stable snake_case name, for programs.
            pub const fn name(self) -> &'static str {
                match self { $( $name::$variant => $text, )* }
            }
        }

        /// As its stable name.
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }
    };
}

pub(super) use numbered;
