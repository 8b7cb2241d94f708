mod expressions;
mod texts;
mod words;
