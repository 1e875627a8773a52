//! Official vectors, and what is refused.

use super::*;

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).unwrap()
}

fn both(cipher: Cipher, mode: Mode, padding: Padding, given: [&str; 4]) {
    let algorithm = Algorithm { cipher, mode, padding };
    let [key, iv, plain, text] = given.map(bytes);
    assert_eq!(hex::encode(algorithm.encrypt(&key, &iv, &plain).unwrap()), hex::encode(&text), "{algorithm:?}");
    assert_eq!(algorithm.decrypt(&key, &iv, &text).unwrap(), plain, "{algorithm:?}");
}

const PLAIN: &str = "6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51 30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710";
const K128: &str = "2b7e151628aed2a6abf7158809cf4f3c";
const K192: &str = "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b";
const K256: &str = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";

/// NIST SP 800-38A, appendix F.
#[test]
fn aes_gives_the_vectors_of_sp_800_38a() {
    use Padding::None;
    both(
        Cipher::Aes,
        Mode::Ecb,
        None,
        [
            K128,
            "",
            PLAIN,
            "3ad77bb40d7a3660a89ecaf32466ef97 f5d3d58503b9699de785895a96fdbaaf 43b1cd7f598ece23881b00e3ed030688 7b0c785e27e8ad3f8223207104725dd4",
        ],
    );
    both(
        Cipher::Aes,
        Mode::Ecb,
        None,
        [
            K192,
            "",
            PLAIN,
            "bd334f1d6e45f25ff712a214571fa5cc 974104846d0ad3ad7734ecb3ecee4eef ef7afd2270e2e60adce0ba2face6444e 9a4b41ba738d6c72fb16691603c18e0e",
        ],
    );
    both(
        Cipher::Aes,
        Mode::Ecb,
        None,
        [
            K256,
            "",
            PLAIN,
            "f3eed1bdb5d2a03c064b5a7e3db181f8 591ccb10d410ed26dc5ba74a31362870 b6ed21b99ca6f4f9f153e7b1beafed1d 23304b7a39f9f3ff067d8d8f9e24ecc7",
        ],
    );
}

/// The same, F.2.
#[test]
fn aes_chains_blocks_as_sp_800_38a_does() {
    use Padding::None;
    let iv = "000102030405060708090a0b0c0d0e0f";
    both(
        Cipher::Aes,
        Mode::Cbc,
        None,
        [
            K128,
            iv,
            PLAIN,
            "7649abac8119b246cee98e9b12e9197d 5086cb9b507219ee95db113a917678b2 73bed6b8e3c1743b7116e69e22229516 3ff1caa1681fac09120eca307586e1a7",
        ],
    );
    both(
        Cipher::Aes,
        Mode::Cbc,
        None,
        [
            K192,
            iv,
            PLAIN,
            "4f021db243bc633d7178183a9fa071e8 b4d9ada9ad7dedf4e5e738763f69145a 571b242012fb7ae07fa9baac3df102e0 08b0e27988598881d920a9e64f5615cd",
        ],
    );
    both(
        Cipher::Aes,
        Mode::Cbc,
        None,
        [
            K256,
            iv,
            PLAIN,
            "f58c4c04d6e5f1ba779eabfb5f7bfbd6 9cfc4e967edb808d679f777bc6702c7d 39f23369a9d9bacfa530e26304231461 b2eb05e2c39be9fcda6c19078c6a9d1b",
        ],
    );
}

/// The same, F.5.
#[test]
fn aes_counts_as_sp_800_38a_does() {
    use Padding::None;
    let counter = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
    both(
        Cipher::Aes,
        Mode::Ctr,
        None,
        [
            K128,
            counter,
            PLAIN,
            "874d6191b620e3261bef6864990db6ce 9806f66b7970fdff8617187bb9fffdff 5ae4df3edbd5d35e5b4f09020db03eab 1e031dda2fbe03d1792170a0f3009cee",
        ],
    );
    both(
        Cipher::Aes,
        Mode::Ctr,
        None,
        [
            K192,
            counter,
            PLAIN,
            "1abc932417521ca24f2b0459fe7e6e0b 090339ec0aa6faefd5ccc2c6f4ce8e94 1e36b26bd1ebc670d1bd1d665620abf7 4f78a7f6d29809585a97daec58c6b050",
        ],
    );
    both(
        Cipher::Aes,
        Mode::Ctr,
        None,
        [
            K256,
            counter,
            PLAIN,
            "601ec313775789a5b7a7f504bbf3d228 f443e3ca4d62b59aca84e990cacaf5c5 2b0930daa23de94ce87017ba2d84988d dfc9c58db67aada613c2dd08457941a6",
        ],
    );
}

/// Test cases 2 to 4 without further data of McGrew and Viega's specification, and RFC 8998 appendix A.1 is with further data.
#[test]
fn gcm_gives_the_vectors_of_its_specification() {
    let zero = "00000000000000000000000000000000";
    both(
        Cipher::Aes,
        Mode::Gcm,
        Padding::None,
        [zero, "000000000000000000000000", "", "58e2fccefa7e3061367f1d57a4e7455a"],
    );
    both(
        Cipher::Aes,
        Mode::Gcm,
        Padding::None,
        [zero, "000000000000000000000000", zero, "0388dace60b6a392f328c2b971b2fe78 ab6e47d42cec13bdf53a67b21257bddf"],
    );
    both(
        Cipher::Aes,
        Mode::Gcm,
        Padding::Pkcs7,
        [
            "feffe9928665731c6d6a8f9467308308",
            "cafebabefacedbaddecaf888",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
            "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f59854d5c2af327cd64a62cf35abd2ba6fab4",
        ],
    );
}

/// GB/T 32907-2016, appendix A; draft-ribose-cfrg-sm4-10, appendix A.2.
#[test]
fn sm4_gives_the_vectors_of_the_standard() {
    let key = "0123456789abcdeffedcba9876543210";
    both(Cipher::Sm4, Mode::Ecb, Padding::None, [key, "", key, "681edf34d206965e86b3e94f536e4246"]);
    let plain = "aaaaaaaabbbbbbbbccccccccdddddddd eeeeeeeeffffffffaaaaaaaabbbbbbbb";
    let iv = "000102030405060708090a0b0c0d0e0f";
    both(
        Cipher::Sm4,
        Mode::Ecb,
        Padding::None,
        [key, "", plain, "5ec8143de509cff7b5179f8f474b8619 2f1d305a7fb17df985f81c8482192304"],
    );
    both(
        Cipher::Sm4,
        Mode::Cbc,
        Padding::None,
        [key, iv, plain, "78ebb11cc40b0a48312aaeb2040244cb 4cb7016951909226979b0d15dc6a8f6d"],
    );
    let plain = "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb ccccccccccccccccdddddddddddddddd eeeeeeeeeeeeeeeeffffffffffffffff aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb";
    both(
        Cipher::Sm4,
        Mode::Ctr,
        Padding::None,
        [
            key,
            iv,
            plain,
            "ac3236cb970cc20791364c395a1342d1 a3cbc1878c6f30cd074cce385cdd70c7 f234bc0e24c11980fd1286310ce37b92 6e02fcd0faa0baf38b2933851d824514",
        ],
    );
}

/// NIST SP 800-67 appendix B.1 (triple DES, three keys) and SP 800-17 (DES).
#[test]
fn des_and_triple_des_give_the_vectors_of_nist() {
    both(
        Cipher::Des3,
        Mode::Ecb,
        Padding::None,
        [
            "0123456789abcdef23456789abcdef01456789abcdef0123",
            "",
            "5468652071756663 6b2062726f776e20 666f78206a756d70",
            "a826fd8ce53b855f cce21c8112256fe6 68d5c05dd9b6b900",
        ],
    );
    both(Cipher::Des, Mode::Ecb, Padding::None, ["133457799bbcdff1", "", "0123456789abcdef", "85e813540f0ab405"]);
    both(Cipher::Des, Mode::Ecb, Padding::None, ["0101010101010101", "", "8000000000000000", "95f8a5e5dd31d900"]);
}

#[test]
fn paddings_fill_the_last_block() {
    let cbc = |padding| Algorithm { cipher: Cipher::Aes, mode: Mode::Cbc, padding };
    let (key, iv) = ([1; 16], [2; 16]);
    for length in 0..33 {
        let plain = vec![b'x'; length];
        for padding in [Padding::Pkcs7, Padding::Zero] {
            let text = cbc(padding).encrypt(&key, &iv, &plain).unwrap();
            assert_eq!(cbc(padding).decrypt(&key, &iv, &text).unwrap(), plain);
            let blocks = if padding == Padding::Pkcs7 { length / 16 + 1 } else { length.div_ceil(16) };
            assert_eq!(text.len(), blocks * 16, "{padding:?} {length}");
        }
        assert_eq!(cbc(Padding::None).encrypt(&key, &iv, &plain).is_ok(), length % 16 == 0, "{length}");
    }
}

#[test]
fn wrong_lengths_say_which_are_right() {
    let run = |cipher, mode, key: usize, iv: usize| {
        let algorithm = Algorithm { cipher, mode, padding: Padding::Pkcs7 };
        algorithm.encrypt(&vec![0; key], &vec![0; iv], b"x").unwrap_err().to_string()
    };
    assert_eq!(run(Cipher::Aes, Mode::Cbc, 15, 16), "the key has 15 bytes; aes takes 16, 24 or 32");
    assert_eq!(run(Cipher::Des, Mode::Ecb, 16, 0), "the key has 16 bytes; des takes 8");
    assert_eq!(run(Cipher::Des3, Mode::Ecb, 8, 0), "the key has 8 bytes; des3 takes 16 or 24");
    assert_eq!(run(Cipher::Sm4, Mode::Ecb, 0, 0), "the key has 0 bytes; sm4 takes 16");
    assert_eq!(run(Cipher::Aes, Mode::Gcm, 16, 16), "the iv has 16 bytes; aes takes 12 with gcm");
    assert_eq!(run(Cipher::Aes, Mode::Ecb, 16, 16), "the iv has 16 bytes; aes takes 0 with ecb");
    assert_eq!(run(Cipher::Des, Mode::Gcm, 8, 12), "gcm wants blocks of 16 bytes, which des and des3 have not");
    let aes = Algorithm { cipher: Cipher::Aes, mode: Mode::Ctr, padding: Padding::None };
    assert_eq!(aes.encrypt(&[0; 16], &[0; 16], &vec![0; MAX_INPUT + 1]), Err(CipherError::TooLarge));
}

#[test]
fn another_key_or_a_changed_text_is_refused() {
    for mode in [Mode::Cbc, Mode::Gcm] {
        let aes = Algorithm { cipher: Cipher::Aes, mode, padding: Padding::Pkcs7 };
        let iv = vec![2; aes.iv_length()];
        let text = aes.encrypt(&[1; 16], &iv, b"the plain text").unwrap();
        assert_eq!(aes.decrypt(&[3; 16], &iv, &text), Err(CipherError::Undecryptable), "{mode:?}");
        assert!(aes.decrypt(&[1; 16], &iv, &text[1..]).is_err(), "{mode:?}");
        assert!(aes.decrypt(&[1; 16], &iv, b"").is_err(), "{mode:?}");
    }
}
