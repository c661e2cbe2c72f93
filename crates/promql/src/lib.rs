//! PromQL: lexer, AST, type checker, printer and an evaluator over any series source
