//! Japanese. The terms are those of Japanese banks: 電子証明書, 有効期限, 更新, 再発行, お取引店, PIN(暗証番号).

mod errors;
mod phrases;
mod values;

pub(super) use errors::code;
pub(super) use phrases::phrase;
pub(super) use values::fact_value;

use super::message::Message;
use crate::error::{Fact, Notice, Point, Step};

const fn w(sentence: &'static str, next: &'static str) -> Message {
    Message { sentence, next_action: next }
}

pub(super) const fn notice(notice: Notice) -> Message {
    match notice {
        Notice::PinCountLow => w(
            "最後にログインした後、誤ったPIN(暗証番号)が入力されています。",
            "誤りが続くとロックされます。PINをよく確かめて入力してください。",
        ),
        Notice::PinFinalTry => w(
            "次にPIN(暗証番号)を誤ると、USBトークンがロックされます。",
            "PINに自信がないときは入力せず、お取引店にお問い合わせください。",
        ),
        Notice::PinToBeChanged => {
            w("USBトークンがPIN(暗証番号)の変更を求めています。", "更新の前にPINを変更してください。")
        }
        Notice::MemoryUnknown => w(
            "USBトークンの空き容量を確認できません。",
            "このまま続けられます。容量が足りないときは、何も変更せずに中止します。",
        ),
        Notice::MemoryLow => w(
            "USBトークンの空き容量が残り少なくなっています。",
            "期限切れの電子証明書が残っていれば、更新後に削除してください。",
        ),
        Notice::MechanismUnknown => w(
            "USBトークンが対応する暗号方式を確認できません。",
            "このまま続けられます。対応していないときは、何も変更せずに中止します。",
        ),
        Notice::WindowForced => w(
            "更新できる期間外ですが、指定により更新を行います。",
            "認証局が受け付けるかどうかを確認してください。",
        ),
        Notice::ClockUncertain => {
            w("パソコンの日付または時刻が正しくない可能性があります。", "日付と時刻を確認してください。")
        }
        Notice::PendingExists => w(
            "この電子証明書の更新は、すでに申請中です。",
            "続きから再開するか、申請中の鍵を破棄してください。",
        ),
        Notice::SameSubject => w(
            "同じ名義の電子証明書がUSBトークンにほかにもあります。",
            "シリアル番号と有効期限を見て、更新する電子証明書を確認してください。",
        ),
        Notice::ProofClaimed => w(
            "秘密鍵が取り出せないことは、ドライバの申告のみで確認しています。",
            "このまま使えます。必要な水準については、お取引店の定めに従ってください。",
        ),
        Notice::MinimalCertificate => w(
            "電子証明書を、最小限の属性だけで書き込みました。",
            "ブラウザで電子証明書が選べることを確認してください。",
        ),
        Notice::OldKept => w(
            "これまでの電子証明書は、USBトークンに残してあります。",
            "新しい電子証明書でログインできることを確認してから、必要に応じて削除してください。",
        ),
        Notice::CertificateUnreadable => w(
            "USBトークンに、読み取れない電子証明書があります。",
            "使いたい電子証明書が表示されないときは、表示された内容を添えてお取引店にお問い合わせください。",
        ),
        Notice::KeyReused => w(
            "指定により、これまでの鍵をそのまま使っています。",
            "次回の更新では、新しい鍵の作成をお勧めします。",
        ),
        Notice::ChainNotChecked => w(
            "発行元の認証局は確認していません（認証局の証明書が指定されていません）。",
            "確認するには、信頼する認証局の証明書を指定してください。",
        ),
        Notice::DeviceNotSeen => w(
            "USBトークンは挿入されており、ドライバも入っていますが、ドライバがトークンを認識していません。",
            "トークンを差し直してください。直らないときはパソコンを再起動し、次にドライバを再インストールしてください。",
        ),
        Notice::DevicesPartlySeen => w(
            "同じ種類のUSBトークンが複数挿入されており、ドライバがその一部を認識していません。",
            "使うトークンだけを挿入してください。",
        ),
        Notice::SmartCardUnknown => w(
            "未知のカードリーダまたはトークンが接続されており、どのドライバもその中のトークンを認識していません。",
            "お使いのトークンであれば付属のドライバをインストールし、カードリーダであればカードを挿入してください。",
        ),
        Notice::ResponsePartlyUsed => w(
            "認証局からの応答に、読み取れない部分がありました。",
            "電子証明書は正しく取り込まれています。認証局の証明書が必要な場合は、認証局にお問い合わせください。",
        ),
        Notice::PinNotChecked => w(
            "このプログラムはすでにログイン済みのため、USBトークンは入力されたPIN(暗証番号)を確かめていません。",
            "入力したPINが誤っていても分かりません。すべてのセッションを閉じてからログインし直すと確かめられます。",
        ),
        Notice::Renewed => w(
            "この電子証明書は更新済みです。指定により、もう一度更新します。",
            "すでにある新しい電子証明書を使うときは、中止してください。続けると、もう一度の申請になります。",
        ),
        Notice::SaidRenewed => w(
            "この電子証明書は更新済みとみられます。",
            "表示された電子証明書をお使いください。更新済みかどうかは、更新を実行するとログイン後に確かめます。更新済みであれば、何も書き込みません。",
        ),
        Notice::NoCertificate => w(
            "PIN(暗証番号)なしで確認できる電子証明書が、USBトークンにありません。",
            "ログインした後でなければ電子証明書が見えないトークンもあります。PINを指定して一覧を表示し、それでもないときはお取引店にお問い合わせください。",
        ),
        Notice::SubjectChanged => w(
            "認証局が電子証明書の名義を変更しています。",
            "新しい名義に心当たりがないときは、お取引店にお問い合わせください。これまでの電子証明書は残ります。",
        ),
        Notice::NotYetValid => w(
            "新しい電子証明書の有効期間は、このパソコンの日時ではまだ始まっていません。",
            "パソコンの日時を確認してください。正しければ、開始まではこれまでの電子証明書をお使いください。",
        ),
        Notice::AnotherIssuer => w(
            "新しい電子証明書の発行元は、これまでの電子証明書の認証局と異なります。",
            "発行元に心当たりがないときは、使う前にお取引店にお問い合わせください。",
        ),
        Notice::AlreadyInstalled => w(
            "この電子証明書は取り込み済みで、使える状態です。何も書き込んでいません。",
            "この電子証明書でログインできます。",
        ),
        Notice::PurposeOnlyAny => w(
            "電子証明書の用途が「すべて」（anyExtendedKeyUsage）とだけ書かれています。銀行のサーバが受け付けない可能性があります。",
            "古い電子証明書を削除する前に、新しい電子証明書でログインできることを確認してください。できない場合は認証局にお問い合わせください。",
        ),
        Notice::UnknownCritical => w(
            "電子証明書に、内容の分からない重要（critical）な拡張があります。銀行のサーバが受け付けない可能性があります。",
            "古い電子証明書を削除する前に、新しい電子証明書でログインできることを確認してください。できない場合は認証局にお問い合わせください。",
        ),
        Notice::ExtensionUnreadable => w(
            "電子証明書の拡張の一部を読み取れません。銀行のサーバが受け付けない可能性があります。",
            "古い電子証明書を削除する前に、新しい電子証明書でログインできることを確認してください。できない場合は認証局にお問い合わせください。",
        ),
        Notice::UsageOfCa => w(
            "電子証明書の鍵の用途に、認証局だけに許される証明書への署名が含まれています。",
            "そのままご利用いただけます。認証局にお知らせください。",
        ),
        Notice::KeyKindChanges => w(
            "新しい鍵の長さは、これまでの鍵と異なります。",
            "銀行が長さを指定している場合は、その長さを指定してください。",
        ),
        Notice::ChainNotWritten => w(
            "認証局の証明書の一部をUSBトークンに書き込めませんでした。",
            "新しい電子証明書はそのままご利用いただけます。必要な場合は、パソコンに認証局の証明書を登録してください。",
        ),
        Notice::InitializedNotStated => w(
            "USBトークンは、初期化済みと申告していません。",
            "このまま続けられます。使えないときは、その時点で中止します。ご自身で初期化しないでください。",
        ),
        Notice::PinNotStated => w(
            "USBトークンは、PIN(暗証番号)が設定済みと申告していません。",
            "このまま続けられます。設定されていないときは、ログインせずに中止します。",
        ),
        Notice::WriteProtectionStated => w(
            "USBトークンは、書き込み禁止と申告しています。",
            "このまま続けられます。書き込めないときは中止し、現在の電子証明書は残ります。",
        ),
        Notice::MechanismNotListed => w(
            "USBトークンの対応一覧に、この種類の鍵に必要な暗号方式がありません。",
            "このまま続けられます。対応していないときは中止し、現在の電子証明書は残ります。ほかの種類の鍵も選べます。",
        ),
        Notice::KeySizeNotStated => w(
            "USBトークンの申告では、この長さの鍵は作れません。",
            "このまま続けられます。作れないときは中止し、現在の電子証明書は残ります。ほかの長さも選べます。",
        ),
        Notice::CertificatePrivate => w(
            "新しい電子証明書は、ログインした後でなければ見えない形でUSBトークンに保存されました。",
            "使用できます。一覧を表示する前にPIN(暗証番号)を求められることがあります。",
        ),
        Notice::OldCertificateReplaced => w(
            "このUSBトークンは1つの鍵に電子証明書を1つしか保存できないため、古い電子証明書は新しいものに置き換わりました。",
            "新しい電子証明書でログインできることを確かめてください。ログインできないときは、お取引店に連絡してください。古い電子証明書はもうトークンにありません。",
        ),
        Notice::LabelShared => w(
            "新しい電子証明書のラベルは、ほかのものと同じです。ラベルで選ぶプログラムは、別のものを使うことがあります。",
            "そのようなプログラムでは、表示されたPKCS#11 URIで指定してください。",
        ),
        Notice::IdDiffers => w(
            "USBトークンが、新しい電子証明書に鍵と異なるIDを付けました。鍵を見つけられないプログラムがあるかもしれません。",
            "古い電子証明書を削除する前に、新しいほうでログインできることを確かめてください。",
        ),
        Notice::MoreAfterLogin => w(
            "PIN(暗証番号)なしで見える電子証明書には、いま更新できるものがありません。",
            "ログインするまで電子証明書が見えないUSBトークンもあります。PINを入力すると、すべて確認できます。",
        ),
        Notice::BegunBefore => w(
            "この電子証明書の更新は、このUSBトークンで一度始められています。完了しているかどうかは、ログインしないと分かりません。",
            "PINを使って、電子証明書または発行待ちの鍵の一覧を確認してください。",
        ),
        Notice::PinPadStated => w(
            "USBトークンは「PIN(暗証番号)はトークン側のキーで入力する」と申告しています。",
            "このまま進められます。キーのない機種では、パソコンで入力したPINをそのまま送ることもできます。",
        ),
        Notice::PinLengthStated => w(
            "USBトークンが申告するPIN(暗証番号)の桁数が、お使いのPINと合わない可能性があります。",
            "このまま進められます。申告が誤っていることもあり、PINが確かであればそのまま送ることができます。",
        ),
        Notice::KeyLabelChosen => w(
            "USBトークンが鍵のラベルを自分で決めるため、この鍵が更新のためのものであることがトークンに記録されていません。",
            "中断すると後からこの鍵を見つけられないため、このまま最後まで更新を完了してください。使わない鍵は、トークンに付属のソフトウェアで削除してください。",
        ),
        Notice::WorksLater => w(
            "新しい電子証明書は、まだ銀行で使えるようになっていません。",
            "使えるようになるまでは、これまでの電子証明書でログインしてください。",
        ),
        Notice::BankTokenAbsent => w(
            "銀行から配布されたトークンが見つかりません。",
            "銀行から配布されたUSBトークンを挿入してください。",
        ),
        Notice::BankDriverAbsent => w(
            "銀行が指定するドライバが、このパソコンに入っていません。",
            "銀行から案内されたドライバをインストールしてください。",
        ),
        Notice::BankAnchorEnds => w(
            "銀行プロファイルにある認証局の証明書の有効期限が近づいています。",
            "銀行から新しいプロファイルが配布されていないか確認してください。",
        ),
        Notice::LoginByTls12 => w(
            "USBトークンの鍵ではTLS 1.3の署名ができないため、TLS 1.2でログインしました。",
            "TLS 1.3だけを使うサーバにはログインできません。ブラウザでログインできないときは、TLS 1.2を有効にしてください。",
        ),
        Notice::CopyShowsOld => w(
            "このパソコンのほかのソフトウェアが保存している控えに、古い電子証明書が残っています。",
            "ブラウザを閉じ、トークンを挿し直してください。新しい電子証明書が選べないときは、表示されたファイルを削除してください（トークンの中身は変わりません）。",
        ),
        Notice::ConfirmationNotKept => w(
            "ログインの確認結果を、このパソコンに記録できませんでした。",
            "古い電子証明書を削除するときは、もう一度確認が必要です。保存先のフォルダを確認してください。",
        ),
        Notice::IssuerNotNamed => w(
            "サーバが受け付けると示した認証局の中に、新しい電子証明書の認証局がありません。",
            "ログインはできましたが、ブラウザの選択画面に新しい電子証明書が出ないことがあります。そのときは、お取引店にお問い合わせください。",
        ),
        Notice::OtherUserSeen => w(
            "ほかの利用者のものとみられる電子証明書がUSBトークンに入っています。この銀行では、利用者ごとに別のUSBトークンが必要です。",
            "ご自分のUSBトークンかどうかを確かめてください。ログイン後に確認し、ほかの利用者のものであれば更新を始めません。",
        ),
        Notice::RenewalDue => {
            w("電子証明書の有効期限が近づいています。", "期限までに更新を済ませてください。")
        }
        Notice::InitialPin => w(
            "このUSBトークンは、初期PIN(暗証番号)が設定された状態で届きます。",
            "初期PINのままのときは、PINを変更してから更新してください。初期PINは、銀行から届いた書面に書かれています。",
        ),
        Notice::DeliveredEmpty => w(
            "このUSBトークンは、電子証明書が入っていない状態で届きます。更新ではなく、初回の発行が必要です。",
            "銀行から届いた案内に従って、最初の電子証明書を発行してください。",
        ),
        Notice::BankDeviceNotSeen => w(
            "銀行のUSBトークンとみられる機器が接続されていますが、どのドライバからも見えません。",
            "銀行から案内されたドライバをインストールし、USBトークンを挿し直してください。",
        ),
        Notice::PinFileReadable => w(
            "PIN(暗証番号)のファイルを、このパソコンのほかのユーザーが読み取れます。",
            "本人だけが読み取れるようにしてください（chmod 600）。読み取られたおそれがあるときは、PINを変更してください。",
        ),
        Notice::PinFileMark => w(
            "PIN(暗証番号)の先頭にあったバイト順マーク（BOM）を除いて使用しました。",
            "BOMなしのUTF-8で保存してください。",
        ),
        Notice::RequestNotKept => w(
            "申請データの控えをこのパソコンに保存できませんでした。",
            "更新は続けられます。申請データを自分で送る場合は、そのファイルを保管してください。",
        ),
    }
}

pub(super) const fn step(step: Step) -> &'static str {
    match step {
        Step::FindDrivers => "ドライバを探しています",
        Step::LoadDriver => "ドライバを読み込んでいます",
        Step::InitializeDriver => "ドライバを開始しています",
        Step::FindToken => "USBトークンを探しています",
        Step::WaitForToken => "USBトークンが挿入されるのを待っています",
        Step::OpenSession => "USBトークンに接続しています",
        Step::ReadObjects => "電子証明書を読み取っています",
        Step::Preflight => "更新できるかを確認しています",
        Step::LogIn => "ログインしています",
        Step::GenerateKeyPair => "USBトークンで新しい鍵を作成しています",
        Step::ReadPublicKey => "新しい公開鍵を読み取っています",
        Step::ProveKey => "秘密鍵が取り出せないことを確認しています",
        Step::SignRequest => "申請データに署名しています",
        Step::AskIssuer => "認証局に問い合わせています",
        Step::ReadAnswer => "認証局からの応答を読み取っています",
        Step::CheckCertificate => "新しい電子証明書を確認しています",
        Step::WriteCertificate => "電子証明書を書き込んでいます",
        Step::ReadBack => "書き込んだ電子証明書を読み戻しています",
        Step::SignChallenge => "新しい鍵で署名できることを確認しています",
        Step::Complete => "新しい電子証明書の登録を完了しています",
        Step::Retire => "古い電子証明書を削除しています",
        Step::Abandon => "発行待ちの鍵を破棄しています",
        Step::ListDevices => "接続されている機器を調べています",
        Step::ReadProfile => "銀行プロファイルを読み取っています",
        Step::Confirm => "新しい電子証明書で銀行のサーバにログインしています",
        Step::ChangePin => "PINを変更しています",
    }
}

pub(super) const fn point(point: Point) -> &'static str {
    match point {
        Point::TokenInitialized => "USBトークンは初期化されています。",
        Point::TokenWritable => "USBトークンに書き込めます。",
        Point::PinUsable => "PIN(暗証番号)について、異常を示すフラグはありません。",
        Point::Memory => "USBトークンに空き容量があります。",
        Point::Mechanism => "USBトークンは必要な鍵の種類に対応しています。",
        Point::Window => "更新できる期間です。",
        Point::Clock => "パソコンの日付は、USBトークンの電子証明書と矛盾していません。",
        Point::NothingPending => "申請中の更新はありません。",
        Point::SubjectUnique => "同じ名義の電子証明書はほかにありません。",
        Point::OldKey => "現在の電子証明書の秘密鍵があります。",
        Point::KeyKind => "新しい鍵は、これまでと同じ種類です。",
        Point::OnlyUser => "ほかの利用者の電子証明書は入っていません。",
    }
}

pub(super) const fn fact(fact: Fact) -> &'static str {
    match fact {
        Fact::Path => "ファイル",
        Fact::Expected => "期待される値",
        Fact::Found => "実際の値",
        Fact::Candidate => "候補",
        Fact::Token => "トークン",
        Fact::Limit => "上限・下限",
        Fact::Id => "ID",
        Fact::Date => "日付（日本時間）",
        Fact::Detail => "詳細",
        Fact::Driver => "ドライバ",
        Fact::Subject => "名義",
        Fact::Serial => "証明書シリアル番号",
        Fact::Days => "日数",
        Fact::Device => "機器",
        Fact::SavedAnswer => "応答の保存先",
        Fact::GoOn => "続けるコマンド",
        Fact::Seconds => "秒数",
        Fact::Size => "大きさ（バイト）",
        Fact::FirstLine => "先頭の行",
        Fact::Now => "このパソコンの日時",
        Fact::Begins => "有効期間の開始",
        Fact::Algorithm => "方式",
        Fact::Stated => "トークンの申告",
        Fact::Uri => "PKCS#11 URI",
        Fact::Successor => "新しい電子証明書のシリアル番号",
        Fact::Reason => "理由",
        Fact::Certificate => "対象の証明書",
        Fact::Seen => "確認した範囲",
        Fact::Reference => "受付番号",
        Fact::IssuerContinuity => "発行元の比較",
        Fact::Holder => "実行中のプログラム",
        Fact::Line => "行",
        Fact::Column => "桁",
        Fact::Key => "項目",
        Fact::Bank => "銀行プロファイル",
        Fact::Contact => "お問い合わせ先",
        Fact::Url => "アドレス",
        Fact::HttpStatus => "HTTPの状態",
        Fact::Alert => "TLSの警告",
        Fact::StillThere => "残っている古い電子証明書",
        Fact::Accepted => "サーバが受け付けるもの",
    }
}
