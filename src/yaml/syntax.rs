//! What a person should do about a file that is not YAML, judged by the line where reading stopped.
