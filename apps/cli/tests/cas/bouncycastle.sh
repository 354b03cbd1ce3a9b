# BouncyCastle, as BouncyCastle.java beside this uses it, compiled into the CA's folder.
set -e
verb=$1
shift
jars=/usr/share/java/bcpkix.jar:/usr/share/java/bcprov.jar:/usr/share/java/bcutil.jar
case $verb in
make)
    javac -cp $jars -d . "$(dirname "$0")/BouncyCastle.java"
    java -cp .:$jars BouncyCastle make ;;
issue)
    java -cp .:$jars BouncyCastle issue ;;
esac
