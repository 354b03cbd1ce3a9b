// BouncyCastle: nothing by default, so what its documentation shows: begins in the present second, the subject as
// it stands in the request, key usage and extended key usage, PKCS#7 with the chain in DER.

import java.io.FileReader;
import java.io.FileWriter;
import java.io.InputStreamReader;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.*;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cms.CMSAbsentContent;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.util.CollectionStore;

public class BouncyCastle {
    static X509v3CertificateBuilder builder(X500Name issuer, X500Name subject, SubjectPublicKeyInfo key, long days) {
        Date now = new Date();
        Date end = new Date(now.getTime() + days * 24 * 60 * 60 * 1000);
        return new X509v3CertificateBuilder(issuer, new BigInteger(159, new SecureRandom()), now, end, subject, key);
    }

    static void make() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        KeyPair pair = generator.generateKeyPair();
        X500Name name = new X500Name("O=BouncyCastle,CN=bcpkix");
        SubjectPublicKeyInfo key = SubjectPublicKeyInfo.getInstance(pair.getPublic().getEncoded());
        X509v3CertificateBuilder builder = builder(name, name, key, 3650);
        builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(true));
        ContentSigner signer = new JcaContentSignerBuilder("SHA256withRSA").build(pair.getPrivate());
        write("ca.pem", builder.build(signer));
        write("ca.key", pair.getPrivate());
    }

    static void issue() throws Exception {
        X509CertificateHolder ca = (X509CertificateHolder) new PEMParser(new FileReader("ca.pem")).readObject();
        PEMKeyPair pair = (PEMKeyPair) new PEMParser(new FileReader("ca.key")).readObject();
        PKCS10CertificationRequest request =
            (PKCS10CertificationRequest) new PEMParser(new InputStreamReader(System.in)).readObject();
        String days = System.getenv().getOrDefault("DAYS", "365");
        X509v3CertificateBuilder builder = builder(
            ca.getSubject(), request.getSubject(), request.getSubjectPublicKeyInfo(), Long.parseLong(days));
        builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
        builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(KeyPurposeId.id_kp_clientAuth));
        ContentSigner signer = new JcaContentSignerBuilder("SHA256withRSA")
            .build(new JcaPEMKeyConverter().getKeyPair(pair).getPrivate());
        CMSSignedDataGenerator answer = new CMSSignedDataGenerator();
        answer.addCertificates(new CollectionStore<>(List.of(builder.build(signer), ca)));
        System.out.write(answer.generate(new CMSAbsentContent()).getEncoded());
        System.out.flush();
    }

    static void write(String file, Object value) throws Exception {
        try (JcaPEMWriter writer = new JcaPEMWriter(new FileWriter(file))) {
            writer.writeObject(value);
        }
    }

    public static void main(String[] words) throws Exception {
        if (words[0].equals("make")) {
            make();
        } else {
            issue();
        }
    }
}
