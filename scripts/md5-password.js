// The upstream wants the password as its md5, 32 lower-case hexadecimal digits.
// `env` is read by the connector as {{env.md5Psw}}; it lives for this login only.
env.md5Psw = code_util.md5(user.userPassword);
