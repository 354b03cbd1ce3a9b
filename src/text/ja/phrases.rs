//! The command's own words, in Japanese.

use crate::pki::in_japan;
use crate::text::phrase::Phrase;

pub(in crate::text) fn phrase(phrase: &Phrase<'_>) -> String {
    let fixed = match *phrase {
        Phrase::Moment(moment) => {
            return in_japan(moment).map_or_else(unknown_date, |t| {
                let (date, time) = (t.date(), t.time());
                format!(
                    "{}年{}月{}日 {:02}:{:02}:{:02}（日本時間）",
                    date.year(),
                    date.month(),
                    date.day(),
                    time.hour(),
                    time.minute(),
                    time.second()
                )
            });
        }
        Phrase::Day(date) => return day(date),
        Phrase::NoEnd => "期限の定めなし",
        Phrase::Guess => "（文字コードは推定）",
        Phrase::DaysLeft(days @ ..0) => return format!("{}日前に期限切れ", days.unsigned_abs()),
        Phrase::DaysLeft(0) => "残り0日（本日まで）",
        Phrase::DaysLeft(days) => return format!("残り{days}日"),
        Phrase::Age(..=0) => "本日作成",
        Phrase::Age(days) => return format!("{days}日前に作成"),

        Phrase::Token => "トークン",
        Phrase::TokenSerial => "シリアル番号",
        Phrase::CertificateSerial => "証明書シリアル番号",
        Phrase::Expiry => "有効期限",
        Phrase::Renewal => "更新",
        Phrase::Key => "鍵の種類",
        Phrase::Protection => "秘密鍵の保護",
        Phrase::Id => "ID",
        Phrase::Concerns => "対象の証明書シリアル番号",
        Phrase::Status => "状態",
        Phrase::Since => "開始日",
        Phrase::FirstIssue => "新規発行",

        Phrase::Renewable => "更新できます",
        Phrase::RenewableFrom(date) => return format!("{}から更新できます", day(date)),
        Phrase::NotRenewableExpired => "期限切れのため更新できません（再発行が必要です）",
        Phrase::NotRenewableNoKey => "秘密鍵がないため更新できません",

        Phrase::ProofProven => "取り出し不可（確認済み）",
        Phrase::ProofClaimed => "取り出し不可（ドライバの申告による）",
        Phrase::ProofRefused => "取り出し不可を確認できません",
        Phrase::ProofUnknown => "未確認（ログインすると確認できます）",

        Phrase::AwaitingAnswer => "認証局からの応答待ち",
        Phrase::CertificateWritten => "電子証明書は書き込み済み（署名の確認がまだです）",
        Phrase::HalfRetired => "古い電子証明書の削除が途中です",
        Phrase::Remnant => "公開鍵だけが残っています（破棄できます）",

        Phrase::NoCredentials => "USBトークンに電子証明書はありません。",
        Phrase::NoPending => "発行待ちの鍵はありません。",

        Phrase::PinPrompt(token) => return format!("{token} のPIN(暗証番号): "),
        Phrase::PinPad(token) => {
            return format!("{token} のPIN(暗証番号)を、トークンまたはリーダのキーで入力してください。");
        }
        Phrase::LoginIdPrompt => "ログインID: ",
        Phrase::PasswordPrompt => "パスワード: ",
        Phrase::ConfirmSignAgain => {
            "最初の申請データがこのパソコンになく、署名し直すと認証局が二重の申請とみなすことがあります。続ける場合は yes と入力してください: "
        }
        Phrase::ConfirmFinalTry => "それでも入力する場合は yes と入力してください: ",
        Phrase::ConfirmResume => {
            "この電子証明書の更新は申請中です。続きから再開する場合は yes と入力してください: "
        }
        Phrase::ConfirmRemoval => "元に戻せません。削除する場合は yes と入力してください: ",

        Phrase::Installed => "電子証明書の発行とインストールが完了しました。",
        Phrase::RestartBrowsers => "電子証明書を有効にするには、一度すべてのブラウザを閉じてください。",
        Phrase::RequestWritten(file) => return format!("申請データを {file} に保存しました。"),
        Phrase::SendRequest => {
            "申請データを認証局に送り、応答のファイルを「usbtoken install ファイル名」で取り込んでください。"
        }
        Phrase::Retired => "古い電子証明書を削除しました。",
        Phrase::Abandoned => "発行待ちの鍵を破棄しました。",

        Phrase::Fine => "良好",
        Phrase::Warning => "注意",
        Phrase::Blocker => "不可",
        Phrase::CanRenew => "更新を行えます。",
        Phrase::CannotRenew => "このままでは更新を行えません。",

        Phrase::Diagnosis => "USBトークン診断",
        Phrase::Version => "バージョン",
        Phrase::Platform => "システム",
        Phrase::Taken => "診断日時",
        Phrase::Problems => "問題点",
        Phrase::NoProblems => "問題は見つかりませんでした。",
        Phrase::Drivers => "ドライバ",
        Phrase::NoDrivers => "ドライバ（PKCS#11モジュール）が見つかりません。",
        Phrase::Devices => "USBポートの機器",
        Phrase::NoDevices => "トークンもカードリーダも接続されていません。",
        Phrase::Tokens => "トークン",
        Phrase::NoTokens => "どのドライバもトークンを認識していません。",
        Phrase::Remark => "参考",
        Phrase::OriginExplicit => "呼び出し元の指定",
        Phrase::OriginVariable(name) => return format!("環境変数 {name} の指定"),
        Phrase::OriginP11Kit(file) => return format!("p11-kit: {file}"),
        Phrase::OriginUser(name) => return format!("利用者の一覧: {name}"),
        Phrase::OriginCatalogue(family) => return format!("カタログ: {family}"),
        Phrase::DriverWorks { milliseconds, slots, tokens } => {
            return format!("{milliseconds}ミリ秒で開始、スロット数 {slots}、トークン数 {tokens}");
        }
        Phrase::DriverFails => "使用できません",
        Phrase::DeviceSeen(driver) => return format!("既知の機器、{driver} が認識しています"),
        Phrase::DevicePartlySeen { devices, tokens } => {
            return format!("既知の機器、{devices}台のうち{tokens}台をドライバが認識しています");
        }
        Phrase::DeviceNotSeen(drivers) => {
            return format!("既知の機器、ドライバはありますが認識していません: {drivers}");
        }
        Phrase::DeviceWithoutDriver => "既知の機器、ドライバがありません",
        Phrase::DeviceUnknown => "未知の機器（スマートカードのインターフェースあり）",
        Phrase::LookedFor { file, folders } => return format!("探したファイル: {file}（場所: {folders}）"),
        Phrase::Pin => "PIN(暗証番号)",
        Phrase::PinUsable => "異常を示すフラグはありません",
        Phrase::PinCountLow => "最後のログイン後に誤った入力があります",
        Phrase::PinFinalTry => "次に誤るとロックされます",
        Phrase::PinLocked => "ロックされています",
        Phrase::PinNotSet => "設定されていません",
        Phrase::PinToBeChanged => "変更が必要です",
        Phrase::FreeMemory => "空き容量",
        Phrase::Bytes(bytes) => return format!("{bytes}バイト"),
        Phrase::NotTold => "トークンが申告していません",
        Phrase::OneMorePair => "鍵と電子証明書の追加",
        Phrase::Fits => "空きがあります",
        Phrase::MayNotFit => "空きが足りない可能性があります",
        Phrase::KeyKinds => "使える鍵の種類",
        Phrase::Mechanisms => "メカニズム",
        Phrase::Driver => "ドライバ",
        Phrase::Versions => "ハードウェアとファームウェア",
        Phrase::Profile => "プロファイル",
        Phrase::WriteProtected => "書き込み禁止",
        Phrase::Unreadable(count) => return format!("読み取れない電子証明書 {count}件"),

        Phrase::HintModule => "ドライバは --module に絶対パスで指定できます。",
        Phrase::HintToken => "トークンは --token 'pkcs11:serial=…' のように指定できます。",
        Phrase::HintCredential => {
            "「usbtoken list」で一覧を表示し、--id または --serial で電子証明書を指定できます。"
        }
        Phrase::HintPending => {
            "「usbtoken pending」で一覧を表示し、「usbtoken resume」で再開、「usbtoken abandon」で破棄できます。"
        }
        Phrase::HintForce => "期間外でも更新する場合は --force を付けてください。",
        Phrase::HintBegun => {
            "期限内に申請していれば、「usbtoken resume」または「usbtoken install ファイル」で完了できます。"
        }
        Phrase::HintAnchor => "認証局の証明書は --trust-anchor ファイル で指定できます。",
        Phrase::HintFinalTry => "最後の入力であることを承知で続ける場合は --final-try を付けてください。",
        Phrase::HintPin => "PINは --pin-file、--pin-env、または端末からの入力で渡せます。",
        Phrase::HintOverwrite => "上書きする場合は --overwrite を付けてください。",
        Phrase::HintSignAgain => "署名し直す場合は --sign-again を付けてください。",
        Phrase::HintSaveAnswer => {
            "応答の保存先を自分で指定する場合は --save-answer ファイル名 を付けてください。"
        }
    };
    fixed.to_owned()
}

fn unknown_date() -> String {
    "不明な日付".to_owned()
}

/// `2026-11-22` as 2026年11月22日; anything else as it is.
fn day(date: &str) -> String {
    match date.parse::<jiff::civil::Date>() {
        Ok(date) => format!("{}年{}月{}日", date.year(), date.month(), date.day()),
        Err(_) => date.to_owned(),
    }
}
