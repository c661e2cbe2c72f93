//! Go's (RE2) regular-expression language on regex-automata, with literal analysis for planners
