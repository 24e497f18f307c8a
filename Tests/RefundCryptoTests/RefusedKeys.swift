/// Keys that must be refused, made for these tests with the `openssl` tool and used nowhere else.
enum RefusedKeys {
    /// An RSA private key of 1024 bits.
    static let rsa1024PrivatePEM = """
        -----BEGIN PRIVATE KEY-----
        MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAM1nbYgS7G6p9AmB
        hD1g1hAtjb50RjeS4QQHtpzvyeTWBrFPHNVyu8bGE5ydS44EjX+80jcEg+uoATYb
        BC1ZoSOJ7ug9/WqhXF0LubCV17tGswXrY0BzO2H7ybsUp8JLMuIx5E1X+0CWPIyM
        esj+nrpGEnZKEMyDNCtIWgO64bi5AgMBAAECgYBT0saPRnG4Q6E0k+dciP0ywvRa
        aecR3N35IBC1AOJagcFfcJKqxNS+rKzqOALSZSc9ntgG3c/cRsafxuyweShZtkA4
        iNAXzHU2xysLt3ML5jpzb+Dm6pRzv1lYLFPVO2FwLV+NyPNr2izODPXL8YB4cHI+
        Gs54vAkj+DMgXH+HVQJBAOuqqiafO2Ou7YzoZx4O7sfD2cKkH/FmktE9/RTjTAap
        IH1v+s0lZtGuH2VrVwUaXQck5R2amTzbiBxfWV3Kfi8CQQDfIFS1lcqT5qARq8kT
        VGk0PdPuladrENm8RuL6eV/xrW9vtjHSH/Bcfn8hfa99hNfpCHCNXxuUW7gwOmiq
        c6WXAkEA0gNl3EM8ZqoF0fNtqXC/Q9B556XhPXweTE+EkK+6GZlwdbhr9ZNmHGei
        XPwaMVb8Hhi4APi7pGsy0a368sU4SwJAI8MC0LfZaCsmrK5j4/07f2wJc8v4sWhZ
        /Zs+9fZOMmYh3j3NbmhAFhMQPUXvwqZwFKGNqJr9yKGKu/AgpnEysQJAah66I+aQ
        iEdDlATquMOljQt5eNr185/4uddBWRpFyghgbiNDwtA8gu1YItngx/m8kDEYInBX
        142BFGbc0jMTEQ==
        -----END PRIVATE KEY-----
        """

    /// The public half of the key of 1024 bits.
    static let rsa1024PublicPEM = """
        -----BEGIN PUBLIC KEY-----
        MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDNZ22IEuxuqfQJgYQ9YNYQLY2+
        dEY3kuEEB7ac78nk1gaxTxzVcrvGxhOcnUuOBI1/vNI3BIPrqAE2GwQtWaEjie7o
        Pf1qoVxdC7mwlde7RrMF62NAczth+8m7FKfCSzLiMeRNV/tAljyMjHrI/p66RhJ2
        ShDMgzQrSFoDuuG4uQIDAQAB
        -----END PUBLIC KEY-----
        """

    /// A public key of 2048 bits that is restricted to RSASSA-PSS.
    static let rsaPSSPublicPEM = """
        -----BEGIN PUBLIC KEY-----
        MIIBIDALBgkqhkiG9w0BAQoDggEPADCCAQoCggEBAL4t71WypgMpDSQ61QmoV6zg
        8P58irrRun3KDHhIciMZKBgRU/zrRp1usaOb3HMTqEDEkdIfe46VQbrnwRa5y1H5
        /kP/7x/bZLljLM/r/HQp6IXlzcmmtFmFfBQR2QII4Fv0iVVVlYajoAhd1ih+TNgv
        vWHyqjOG05iEaWa/v1/hdisF5k68WspIvzXJ1/YEycOdJCHt9zDtwVv2/su2sR1r
        6vFZBfq+A+EUX398UuU8wqCM1vwtELVs92LximG4buoCVwPbGZgn9Lj/yjvl0Bzp
        4LUuV16At1/B9o7/uPMdE6tNwY8TyGX9vKIOxP5S+7RM8laBOGE/jmp+cnOf6/MC
        AwEAAQ==
        -----END PUBLIC KEY-----
        """

    /// A private key on P-256, PKCS#8.
    static let ecPrivatePEM = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgJ6UYoPWCibcsu937
        TMMpO0oOnqnqBLnI7JKKsp3lLB2hRANCAAR6z8rs4lZhgXDNODZo62IrTLaTfD5S
        9K0xZ9ltK54k/jlj7T9ado7SRvlW70vIQTtaYEGBEawE0HRPs9iXbgWO
        -----END PRIVATE KEY-----
        """

    /// The same key as "openssl ecparam -genkey" writes it, its parameters first.
    static let ecParametersPEM = """
        -----BEGIN EC PARAMETERS-----
        BggqhkjOPQMBBw==
        -----END EC PARAMETERS-----
        -----BEGIN EC PRIVATE KEY-----
        MHcCAQEEICelGKD1gom3LLvd+0zDKTtKDp6p6gS5yOySirKd5SwdoAoGCCqGSM49
        AwEHoUQDQgAEes/K7OJWYYFwzTg2aOtiK0y2k3w+UvStMWfZbSueJP45Y+0/WnaO
        0kb5Vu9LyEE7WmBBgRGsBNB0T7PYl24Fjg==
        -----END EC PRIVATE KEY-----
        """

    /// The public half of the key on P-256.
    static let ecPublicPEM = """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEes/K7OJWYYFwzTg2aOtiK0y2k3w+
        UvStMWfZbSueJP45Y+0/WnaO0kb5Vu9LyEE7WmBBgRGsBNB0T7PYl24Fjg==
        -----END PUBLIC KEY-----
        """

    /// An Ed25519 private key.
    static let ed25519PrivatePEM = """
        -----BEGIN PRIVATE KEY-----
        MC4CAQAwBQYDK2VwBCIEIEsygvwfORWjQnswezyc1Xb/d5fIqrUcnC7YcH+dVMBP
        -----END PRIVATE KEY-----
        """

    /// The public half of the Ed25519 key.
    static let ed25519PublicPEM = """
        -----BEGIN PUBLIC KEY-----
        MCowBQYDK2VwAyEAZiDKTJEu9l6ShPQ2n4u3+sACRE9XB+4ZA/fUXSLfrq8=
        -----END PUBLIC KEY-----
        """

    /// A private key in the format of OpenSSH.
    static let openSSHPrivatePEM = """
        -----BEGIN OPENSSH PRIVATE KEY-----
        b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
        QyNTUxOQAAACC9Grj/n2cycMnTGOIoRocfO/qqY77o6FSVByq2e3LV0AAAAIhpdFFhaXRR
        YQAAAAtzc2gtZWQyNTUxOQAAACC9Grj/n2cycMnTGOIoRocfO/qqY77o6FSVByq2e3LV0A
        AAAEAu+jtMxZT6qLxUpq9jgTqTR/nkDVmyKcol90ApefwFDb0auP+fZzJwydMY4ihGhx87
        +qpjvujoVJUHKrZ7ctXQAAAABHRlc3QB
        -----END OPENSSH PRIVATE KEY-----
        """

    /// A private key with a passphrase, PKCS#8.
    static let encryptedPEM = """
        -----BEGIN ENCRYPTED PRIVATE KEY-----
        MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAha/tYoN+QfNgICCAAw
        DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEBRB1EAPKiNkX9r5X0Zj/3YEgZCp
        m8Ix3OUvV9nPikggCPCT7liPKp++ny/GEiqSiYVViDB45EOvGCRNVSVR0IbS/FXe
        g79KCDs82h0jSeYU8Z5mNQ6y9x4eMXBnNuL1/4NBxT+yqWmsMFb2yn4u+7wOtAO2
        FAAMNsn2YR1hnZ9s2O0Snm/YXbr4sdsrJeAuI3A045BaOMBR5wCP2vgih0ujyfU=
        -----END ENCRYPTED PRIVATE KEY-----
        """

    /// A private key with a passphrase in the old form with headers.
    static let traditionallyEncryptedPEM = """
        -----BEGIN EC PRIVATE KEY-----
        Proc-Type: 4,ENCRYPTED
        DEK-Info: AES-128-CBC,1DFD5F66388B3F402C0B00B38B5E4A84

        k5oVbXosreemJZUfIr73oWzKjoOTCb5jQaoqd4uqescuVIGPqYSfFs0pCwSX0NnA
        2p7Uxl72ICTuxnzhKq58qfwPe0I3o+pAzVUUNA745+alzGB7Wq2ARlZXf4pT2bKL
        GPeUoj3poBnCrseOBo1e9D5ybCJluBTkNzelBVOSTEM=
        -----END EC PRIVATE KEY-----
        """

    /// A certificate.
    static let certificatePEM = """
        -----BEGIN CERTIFICATE-----
        MIIBhDCCASugAwIBAgIUMrI5J43cU9s5KIK08uNFm6t37m8wCgYIKoZIzj0EAwIw
        FzEVMBMGA1UEAwwMZ2F0ZXdheS50ZXN0MCAXDTI2MTEyMzE4NDg0MFoYDzIxMjYx
        MDMwMTg0ODQwWjAXMRUwEwYDVQQDDAxnYXRld2F5LnRlc3QwWTATBgcqhkjOPQIB
        BggqhkjOPQMBBwNCAAR6z8rs4lZhgXDNODZo62IrTLaTfD5S9K0xZ9ltK54k/jlj
        7T9ado7SRvlW70vIQTtaYEGBEawE0HRPs9iXbgWOo1MwUTAdBgNVHQ4EFgQUhKKt
        OCpOoMps6S4BCaHJc5uArKkwHwYDVR0jBBgwFoAUhKKtOCpOoMps6S4BCaHJc5uA
        rKkwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiBVhN+5b8yHqg7t
        cCXK3DhOPhroFbzIpZKSeb1iw76vdQIgPJanPzFfe1VVPRMemJjGVvUZyx8oU93T
        C3yFnYN4rsM=
        -----END CERTIFICATE-----
        """

    /// A request for a certificate.
    static let certificateRequestPEM = """
        -----BEGIN CERTIFICATE REQUEST-----
        MIHQMHkCAQAwFzEVMBMGA1UEAwwMZ2F0ZXdheS50ZXN0MFkwEwYHKoZIzj0CAQYI
        KoZIzj0DAQcDQgAEes/K7OJWYYFwzTg2aOtiK0y2k3w+UvStMWfZbSueJP45Y+0/
        WnaO0kb5Vu9LyEE7WmBBgRGsBNB0T7PYl24FjqAAMAoGCCqGSM49BAMCA0cAMEQC
        IE/KTqYjPVKSh5yfIhshgE7ynONyj2DY63txWWJ5ys8eAiBy5J9P/rCPh/BKym1M
        RurTDX9993v0308gTqndGvwikw==
        -----END CERTIFICATE REQUEST-----
        """
}
