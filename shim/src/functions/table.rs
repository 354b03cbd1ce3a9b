//! The one table of PKCS#11 functions: everything that must not forget a function is generated from it.
//!
//! A row is a function with its parameters (PKCS#11 v2.40, v3.0 and v3.2, in the order of the function lists),
//! how its arguments are examined ([`View`](crate::call::view::View)), and whether it is forwarded or answered here.

/// Calls the macro `$then` with the whole table.
macro_rules! with_functions {
    ($then:ident) => {
        $then! {
            v2_40 {
                C_Initialize(pInitArgs: CK_VOID_PTR) [InitArgs(pInitArgs)] forwards;
                C_Finalize(pReserved: CK_VOID_PTR) [] forwards;
                C_GetInfo(pInfo: CK_INFO_PTR) [LibraryInfo(pInfo)] forwards;
                C_GetFunctionList(ppFunctionList: CK_FUNCTION_LIST_PTR_PTR) [] answers function_list;
                C_GetSlotList(tokenPresent: CK_BBOOL, pSlotList: CK_SLOT_ID_PTR, pulCount: CK_ULONG_PTR)
                    [Bool(tokenPresent), SlotList(pSlotList, pulCount)] forwards;
                C_GetSlotInfo(slotID: CK_SLOT_ID, pInfo: CK_SLOT_INFO_PTR)
                    [Slot(slotID), SlotInfo(pInfo)] forwards;
                C_GetTokenInfo(slotID: CK_SLOT_ID, pInfo: CK_TOKEN_INFO_PTR)
                    [Slot(slotID), TokenInfo(pInfo)] forwards;
                C_GetMechanismList(slotID: CK_SLOT_ID, pMechanismList: CK_MECHANISM_TYPE_PTR,
                    pulCount: CK_ULONG_PTR)
                    [Slot(slotID), MechanismList(pMechanismList, pulCount)] forwards;
                C_GetMechanismInfo(slotID: CK_SLOT_ID, type_: CK_MECHANISM_TYPE, pInfo: CK_MECHANISM_INFO_PTR)
                    [Slot(slotID), MechanismType(type_), MechanismInfo(pInfo)] forwards;
                C_InitToken(slotID: CK_SLOT_ID, pPin: CK_UTF8CHAR_PTR, ulPinLen: CK_ULONG,
                    pLabel: CK_UTF8CHAR_PTR)
                    [Slot(slotID), Pin(pPin), TokenLabel(pLabel)] forwards;
                C_InitPIN(hSession: CK_SESSION_HANDLE, pPin: CK_UTF8CHAR_PTR, ulPinLen: CK_ULONG)
                    [Session(hSession), Pin(pPin)] forwards;
                C_SetPIN(hSession: CK_SESSION_HANDLE, pOldPin: CK_UTF8CHAR_PTR, ulOldLen: CK_ULONG,
                    pNewPin: CK_UTF8CHAR_PTR, ulNewLen: CK_ULONG)
                    [Session(hSession), Pin(pOldPin), Pin(pNewPin)] forwards;
                C_OpenSession(slotID: CK_SLOT_ID, flags: CK_FLAGS, pApplication: CK_VOID_PTR,
                    Notify: CK_NOTIFY, phSession: CK_SESSION_HANDLE_PTR)
                    [Slot(slotID), SessionFlags(flags), NewSession(phSession)] forwards;
                C_CloseSession(hSession: CK_SESSION_HANDLE) [Session(hSession)] forwards;
                C_CloseAllSessions(slotID: CK_SLOT_ID) [Slot(slotID)] forwards;
                C_GetSessionInfo(hSession: CK_SESSION_HANDLE, pInfo: CK_SESSION_INFO_PTR)
                    [Session(hSession), SessionInfo(pInfo)] forwards;
                C_GetOperationState(hSession: CK_SESSION_HANDLE, pOperationState: CK_BYTE_PTR,
                    pulOperationStateLen: CK_ULONG_PTR)
                    [Session(hSession), Output(pOperationState, pulOperationStateLen)] forwards;
                C_SetOperationState(hSession: CK_SESSION_HANDLE, pOperationState: CK_BYTE_PTR,
                    ulOperationStateLen: CK_ULONG, hEncryptionKey: CK_OBJECT_HANDLE,
                    hAuthenticationKey: CK_OBJECT_HANDLE)
                    [Session(hSession), Bytes(pOperationState, ulOperationStateLen), Object(hEncryptionKey),
                        Object(hAuthenticationKey)] forwards;
                C_Login(hSession: CK_SESSION_HANDLE, userType: CK_USER_TYPE, pPin: CK_UTF8CHAR_PTR,
                    ulPinLen: CK_ULONG)
                    [Session(hSession), User(userType), Pin(pPin)] forwards;
                C_Logout(hSession: CK_SESSION_HANDLE) [Session(hSession)] forwards;
                C_CreateObject(hSession: CK_SESSION_HANDLE, pTemplate: CK_ATTRIBUTE_PTR, ulCount: CK_ULONG,
                    phObject: CK_OBJECT_HANDLE_PTR)
                    [Session(hSession), Template(pTemplate, ulCount), NewObject(phObject)] forwards;
                C_CopyObject(hSession: CK_SESSION_HANDLE, hObject: CK_OBJECT_HANDLE,
                    pTemplate: CK_ATTRIBUTE_PTR, ulCount: CK_ULONG, phNewObject: CK_OBJECT_HANDLE_PTR)
                    [Session(hSession), Object(hObject), Template(pTemplate, ulCount),
                        NewObject(phNewObject)] forwards;
                C_DestroyObject(hSession: CK_SESSION_HANDLE, hObject: CK_OBJECT_HANDLE)
                    [Session(hSession), Object(hObject)] forwards;
                C_GetObjectSize(hSession: CK_SESSION_HANDLE, hObject: CK_OBJECT_HANDLE, pulSize: CK_ULONG_PTR)
                    [Session(hSession), Object(hObject), Number(pulSize)] forwards;
                C_GetAttributeValue(hSession: CK_SESSION_HANDLE, hObject: CK_OBJECT_HANDLE,
                    pTemplate: CK_ATTRIBUTE_PTR, ulCount: CK_ULONG)
                    [Session(hSession), Object(hObject), Answer(pTemplate, ulCount)] forwards;
                C_SetAttributeValue(hSession: CK_SESSION_HANDLE, hObject: CK_OBJECT_HANDLE,
                    pTemplate: CK_ATTRIBUTE_PTR, ulCount: CK_ULONG)
                    [Session(hSession), Object(hObject), Template(pTemplate, ulCount)] forwards;
                C_FindObjectsInit(hSession: CK_SESSION_HANDLE, pTemplate: CK_ATTRIBUTE_PTR, ulCount: CK_ULONG)
                    [Session(hSession), Template(pTemplate, ulCount)] forwards;
                C_FindObjects(hSession: CK_SESSION_HANDLE, phObject: CK_OBJECT_HANDLE_PTR,
                    ulMaxObjectCount: CK_ULONG, pulObjectCount: CK_ULONG_PTR)
                    [Session(hSession), Found(phObject, ulMaxObjectCount, pulObjectCount)] forwards;
                C_FindObjectsFinal(hSession: CK_SESSION_HANDLE) [Session(hSession)] forwards;
                C_EncryptInit(hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hKey: CK_OBJECT_HANDLE)
                    [Session(hSession), Mechanism(pMechanism), Object(hKey)] forwards;
                C_Encrypt(hSession: CK_SESSION_HANDLE, pData: CK_BYTE_PTR, ulDataLen: CK_ULONG,
                    pEncryptedData: CK_BYTE_PTR, pulEncryptedDataLen: CK_ULONG_PTR)
                    [Session(hSession), Bytes(pData, ulDataLen),
                        Output(pEncryptedData, pulEncryptedDataLen)] forwards;
                C_EncryptUpdate(hSession: CK_SESSION_HANDLE, pPart: CK_BYTE_PTR, ulPartLen: CK_ULONG,
                    pEncryptedPart: CK_BYTE_PTR, pulEncryptedPartLen: CK_ULONG_PTR)
                    [Session(hSession), Bytes(pPart, ulPartLen),
                        Output(pEncryptedPart, pulEncryptedPartLen)] forwards;
                C_EncryptFinal(hSession: CK_SESSION_HANDLE, pLastEncryptedPart: CK_BYTE_PTR,
                    pulLastEncryptedPartLen: CK_ULONG_PTR)
                    [Session(hSession), Output(pLastEncryptedPart, pulLastEncryptedPartLen)] forwards;
                C_DecryptInit(hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hKey: CK_OBJECT_HANDLE)
                    [Session(hSession), Mechanism(pMechanism), Object(hKey)] forwards;
                C_Decrypt(hSession: CK_SESSION_HANDLE, pEncryptedData: CK_BYTE_PTR,
                    ulEncryptedDataLen: CK_ULONG, pData: CK_BYTE_PTR, pulDataLen: CK_ULONG_PTR)
                    [Session(hSession), Bytes(pEncryptedData, ulEncryptedDataLen),
                        Output(pData, pulDataLen)] forwards;
                C_DecryptUpdate(hSession: CK_SESSION_HANDLE, pEncryptedPart: CK_BYTE_PTR,
                    ulEncryptedPartLen: CK_ULONG, pPart: CK_BYTE_PTR, pulPartLen: CK_ULONG_PTR)
                    [Session(hSession), Bytes(pEncryptedPart, ulEncryptedPartLen),
                        Output(pPart, pulPartLen)] forwards;
                C_DecryptFinal(hSession: CK_SESSION_HANDLE, pLastPart: CK_BYTE_PTR,
                    pulLastPartLen: CK_ULONG_PTR)
                    [Session(hSession), Output(pLastPart, pulLastPartLen)] forwards;
                C_DigestInit(hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR)
                    [Session(hSession), Mechanism(pMechanism)] forwards;
                C_Digest(hSession: CK_SESSION_HANDLE, pData: CK_BYTE_PTR, ulDataLen: CK_ULONG,
                    pDigest: CK_BYTE_PTR, pulDigestLen: CK_ULONG_PTR)
                    [Session(hSession), Bytes(pData, ulDataLen), Output(pDigest, pulDigestLen)] forwards;
                C_DigestUpdate(hSession: CK_SESSION_HANDLE, pPart: CK_BYTE_PTR, ulPartLen: CK_ULONG)
                    [Session(hSession), Bytes(pPart, ulPartLen)] forwards;
                C_DigestKey(hSession: CK_SESSION_HANDLE, hKey: CK_OBJECT_HANDLE)
                    [Session(hSession), Object(hKey)] forwards;
                C_DigestFinal(hSession: CK_SESSION_HANDLE, pDigest: CK_BYTE_PTR, pulDigestLen: CK_ULONG_PTR)
                    [Session(hSession), Output(pDigest, pulDigestLen)] forwards;
                C_SignInit(hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR, hKey: CK_OBJECT_HANDLE)
                    [Session(hSession), Mechanism(pMechanism), Object(hKey)] forwards;
                C_Sign(hSession: CK_SESSION_HANDLE, pData: CK_BYTE_PTR, ulDataLen: CK_ULONG,
                    pSignature: CK_BYTE_PTR, pulSignatureLen: CK_ULONG_PTR)
                    [Session(hSession), Bytes(pData, ulDataLen),
                        Output(pSignature, pulSignatureLen)] forwards;
                C_SignUpdate(hSession: CK_SESSION_HANDLE, pPart: CK_BYTE_PTR, ulPartLen: CK_ULONG)
                    [Session(hSession), Bytes(pPart, ulPartLen)] forwards;
                C_SignFinal(hSession: CK_SESSION_HANDLE, pSignature: CK_BYTE_PTR,
                    pulSignatureLen: CK_ULONG_PTR)
                    [Session(hSession), Output(pSignature, pulSignatureLen)] forwards;
                C_SignRecoverInit(hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hKey: CK_OBJECT_HANDLE)
                    [Session(hSession), Mechanism(pMechanism), Object(hKey)] forwards;
                C_SignRecover(hSession: CK_SESSION_HANDLE, pData: CK_BYTE_PTR, ulDataLen: CK_ULONG,
                    pSignature: CK_BYTE_PTR, pulSignatureLen: CK_ULONG_PTR)
                    [Session(hSession), Bytes(pData, ulDataLen),
                        Output(pSignature, pulSignatureLen)] forwards;
                C_VerifyInit(hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hKey: CK_OBJECT_HANDLE)
                    [Session(hSession), Mechanism(pMechanism), Object(hKey)] forwards;
                C_Verify(hSession: CK_SESSION_HANDLE, pData: CK_BYTE_PTR, ulDataLen: CK_ULONG,
                    pSignature: CK_BYTE_PTR, ulSignatureLen: CK_ULONG)
                    [Session(hSession), Bytes(pData, ulDataLen), Bytes(pSignature, ulSignatureLen)] forwards;
                C_VerifyUpdate(hSession: CK_SESSION_HANDLE, pPart: CK_BYTE_PTR, ulPartLen: CK_ULONG)
                    [Session(hSession), Bytes(pPart, ulPartLen)] forwards;
                C_VerifyFinal(hSession: CK_SESSION_HANDLE, pSignature: CK_BYTE_PTR, ulSignatureLen: CK_ULONG)
                    [Session(hSession), Bytes(pSignature, ulSignatureLen)] forwards;
                C_VerifyRecoverInit(hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hKey: CK_OBJECT_HANDLE)
                    [Session(hSession), Mechanism(pMechanism), Object(hKey)] forwards;
                C_VerifyRecover(hSession: CK_SESSION_HANDLE, pSignature: CK_BYTE_PTR,
                    ulSignatureLen: CK_ULONG, pData: CK_BYTE_PTR, pulDataLen: CK_ULONG_PTR)
                    [Session(hSession), Bytes(pSignature, ulSignatureLen),
                        Output(pData, pulDataLen)] forwards;
                C_DigestEncryptUpdate(hSession: CK_SESSION_HANDLE, pPart: CK_BYTE_PTR, ulPartLen: CK_ULONG,
                    pEncryptedPart: CK_BYTE_PTR, pulEncryptedPartLen: CK_ULONG_PTR)
                    [Session(hSession), Bytes(pPart, ulPartLen),
                        Output(pEncryptedPart, pulEncryptedPartLen)] forwards;
                C_DecryptDigestUpdate(hSession: CK_SESSION_HANDLE, pEncryptedPart: CK_BYTE_PTR,
                    ulEncryptedPartLen: CK_ULONG, pPart: CK_BYTE_PTR, pulPartLen: CK_ULONG_PTR)
                    [Session(hSession), Bytes(pEncryptedPart, ulEncryptedPartLen),
                        Output(pPart, pulPartLen)] forwards;
                C_SignEncryptUpdate(hSession: CK_SESSION_HANDLE, pPart: CK_BYTE_PTR, ulPartLen: CK_ULONG,
                    pEncryptedPart: CK_BYTE_PTR, pulEncryptedPartLen: CK_ULONG_PTR)
                    [Session(hSession), Bytes(pPart, ulPartLen),
                        Output(pEncryptedPart, pulEncryptedPartLen)] forwards;
                C_DecryptVerifyUpdate(hSession: CK_SESSION_HANDLE, pEncryptedPart: CK_BYTE_PTR,
                    ulEncryptedPartLen: CK_ULONG, pPart: CK_BYTE_PTR, pulPartLen: CK_ULONG_PTR)
                    [Session(hSession), Bytes(pEncryptedPart, ulEncryptedPartLen),
                        Output(pPart, pulPartLen)] forwards;
                C_GenerateKey(hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    pTemplate: CK_ATTRIBUTE_PTR, ulCount: CK_ULONG, phKey: CK_OBJECT_HANDLE_PTR)
                    [Session(hSession), Mechanism(pMechanism), Template(pTemplate, ulCount),
                        NewObject(phKey)] forwards;
                C_GenerateKeyPair(hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    pPublicKeyTemplate: CK_ATTRIBUTE_PTR, ulPublicKeyAttributeCount: CK_ULONG,
                    pPrivateKeyTemplate: CK_ATTRIBUTE_PTR, ulPrivateKeyAttributeCount: CK_ULONG,
                    phPublicKey: CK_OBJECT_HANDLE_PTR, phPrivateKey: CK_OBJECT_HANDLE_PTR)
                    [Session(hSession), Mechanism(pMechanism),
                        Template(pPublicKeyTemplate, ulPublicKeyAttributeCount),
                        Template(pPrivateKeyTemplate, ulPrivateKeyAttributeCount), NewObject(phPublicKey),
                        NewObject(phPrivateKey)] forwards;
                C_WrapKey(hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hWrappingKey: CK_OBJECT_HANDLE, hKey: CK_OBJECT_HANDLE, pWrappedKey: CK_BYTE_PTR,
                    pulWrappedKeyLen: CK_ULONG_PTR)
                    [Session(hSession), Mechanism(pMechanism), Object(hWrappingKey), Object(hKey),
                        Output(pWrappedKey, pulWrappedKeyLen)] forwards;
                C_UnwrapKey(hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hUnwrappingKey: CK_OBJECT_HANDLE, pWrappedKey: CK_BYTE_PTR, ulWrappedKeyLen: CK_ULONG,
                    pTemplate: CK_ATTRIBUTE_PTR, ulAttributeCount: CK_ULONG, phKey: CK_OBJECT_HANDLE_PTR)
                    [Session(hSession), Mechanism(pMechanism), Object(hUnwrappingKey),
                        Bytes(pWrappedKey, ulWrappedKeyLen), Template(pTemplate, ulAttributeCount),
                        NewObject(phKey)] forwards;
                C_DeriveKey(hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hBaseKey: CK_OBJECT_HANDLE, pTemplate: CK_ATTRIBUTE_PTR, ulAttributeCount: CK_ULONG,
                    phKey: CK_OBJECT_HANDLE_PTR)
                    [Session(hSession), Mechanism(pMechanism), Object(hBaseKey),
                        Template(pTemplate, ulAttributeCount), NewObject(phKey)] forwards;
                C_SeedRandom(hSession: CK_SESSION_HANDLE, pSeed: CK_BYTE_PTR, ulSeedLen: CK_ULONG)
                    [Session(hSession), Bytes(pSeed, ulSeedLen)] forwards;
                C_GenerateRandom(hSession: CK_SESSION_HANDLE, RandomData: CK_BYTE_PTR, ulRandomLen: CK_ULONG)
                    [Session(hSession), Bytes(RandomData, ulRandomLen)] forwards;
                C_GetFunctionStatus(hSession: CK_SESSION_HANDLE) [Session(hSession)] forwards;
                C_CancelFunction(hSession: CK_SESSION_HANDLE) [Session(hSession)] forwards;
                C_WaitForSlotEvent(flags: CK_FLAGS, pSlot: CK_SLOT_ID_PTR, pRserved: CK_VOID_PTR)
                    [Flags(flags), SlotEvent(pSlot)] forwards;
            }
            v3_0_exported {
                C_GetInterfaceList(pInterfacesList: CK_INTERFACE_PTR, pulCount: CK_ULONG_PTR)
                    [Number(pulCount)] answers interface_list;
                C_GetInterface(pInterfaceName: CK_UTF8CHAR_PTR, pVersion: CK_VERSION_PTR,
                    ppInterface: CK_INTERFACE_PTR_PTR, flags: CK_FLAGS)
                    [FunctionName(pInterfaceName), Version(pVersion), Flags(flags)] answers interface;
            }
            v3_0 {
                C_LoginUser(hSession: CK_SESSION_HANDLE, userType: CK_USER_TYPE, pPin: CK_UTF8CHAR_PTR,
                    ulPinLen: CK_ULONG, pUsername: CK_UTF8CHAR_PTR, ulUsernameLen: CK_ULONG)
                    [Session(hSession), User(userType), Pin(pPin),
                        Bytes(pUsername, ulUsernameLen)] forwards;
                C_SessionCancel(hSession: CK_SESSION_HANDLE, flags: CK_FLAGS)
                    [Session(hSession), Flags(flags)] forwards;
                C_MessageEncryptInit(hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hKey: CK_OBJECT_HANDLE)
                    [Session(hSession), Mechanism(pMechanism), Object(hKey)] forwards;
                C_EncryptMessage(hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR,
                    ulParameterLen: CK_ULONG, pAssociatedData: CK_BYTE_PTR, ulAssociatedDataLen: CK_ULONG,
                    pPlaintext: CK_BYTE_PTR, ulPlaintextLen: CK_ULONG, pCiphertext: CK_BYTE_PTR,
                    pulCiphertextLen: CK_ULONG_PTR)
                    [Session(hSession), Parameter(pParameter, ulParameterLen),
                        Bytes(pAssociatedData, ulAssociatedDataLen), Bytes(pPlaintext, ulPlaintextLen),
                        Output(pCiphertext, pulCiphertextLen)] forwards;
                C_EncryptMessageBegin(hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR,
                    ulParameterLen: CK_ULONG, pAssociatedData: CK_BYTE_PTR, ulAssociatedDataLen: CK_ULONG)
                    [Session(hSession), Parameter(pParameter, ulParameterLen),
                        Bytes(pAssociatedData, ulAssociatedDataLen)] forwards;
                C_EncryptMessageNext(hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR,
                    ulParameterLen: CK_ULONG, pPlaintextPart: CK_BYTE_PTR, ulPlaintextPartLen: CK_ULONG,
                    pCiphertextPart: CK_BYTE_PTR, pulCiphertextPartLen: CK_ULONG_PTR, flags: CK_FLAGS)
                    [Session(hSession), Parameter(pParameter, ulParameterLen),
                        Bytes(pPlaintextPart, ulPlaintextPartLen),
                        Output(pCiphertextPart, pulCiphertextPartLen), Flags(flags)] forwards;
                C_MessageEncryptFinal(hSession: CK_SESSION_HANDLE) [Session(hSession)] forwards;
                C_MessageDecryptInit(hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hKey: CK_OBJECT_HANDLE)
                    [Session(hSession), Mechanism(pMechanism), Object(hKey)] forwards;
                C_DecryptMessage(hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR,
                    ulParameterLen: CK_ULONG, pAssociatedData: CK_BYTE_PTR, ulAssociatedDataLen: CK_ULONG,
                    pCiphertext: CK_BYTE_PTR, ulCiphertextLen: CK_ULONG, pPlaintext: CK_BYTE_PTR,
                    pulPlaintextLen: CK_ULONG_PTR)
                    [Session(hSession), Parameter(pParameter, ulParameterLen),
                        Bytes(pAssociatedData, ulAssociatedDataLen), Bytes(pCiphertext, ulCiphertextLen),
                        Output(pPlaintext, pulPlaintextLen)] forwards;
                C_DecryptMessageBegin(hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR,
                    ulParameterLen: CK_ULONG, pAssociatedData: CK_BYTE_PTR, ulAssociatedDataLen: CK_ULONG)
                    [Session(hSession), Parameter(pParameter, ulParameterLen),
                        Bytes(pAssociatedData, ulAssociatedDataLen)] forwards;
                C_DecryptMessageNext(hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR,
                    ulParameterLen: CK_ULONG, pCiphertextPart: CK_BYTE_PTR, ulCiphertextPartLen: CK_ULONG,
                    pPlaintextPart: CK_BYTE_PTR, pulPlaintextPartLen: CK_ULONG_PTR, flags: CK_FLAGS)
                    [Session(hSession), Parameter(pParameter, ulParameterLen),
                        Bytes(pCiphertextPart, ulCiphertextPartLen),
                        Output(pPlaintextPart, pulPlaintextPartLen), Flags(flags)] forwards;
                C_MessageDecryptFinal(hSession: CK_SESSION_HANDLE) [Session(hSession)] forwards;
                C_MessageSignInit(hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hKey: CK_OBJECT_HANDLE)
                    [Session(hSession), Mechanism(pMechanism), Object(hKey)] forwards;
                C_SignMessage(hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR, ulParameterLen: CK_ULONG,
                    pData: CK_BYTE_PTR, ulDataLen: CK_ULONG, pSignature: CK_BYTE_PTR,
                    pulSignatureLen: CK_ULONG_PTR)
                    [Session(hSession), Parameter(pParameter, ulParameterLen), Bytes(pData, ulDataLen),
                        Output(pSignature, pulSignatureLen)] forwards;
                C_SignMessageBegin(hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR,
                    ulParameterLen: CK_ULONG)
                    [Session(hSession), Parameter(pParameter, ulParameterLen)] forwards;
                C_SignMessageNext(hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR,
                    ulParameterLen: CK_ULONG, pData: CK_BYTE_PTR, ulDataLen: CK_ULONG,
                    pSignature: CK_BYTE_PTR, pulSignatureLen: CK_ULONG_PTR)
                    [Session(hSession), Parameter(pParameter, ulParameterLen), Bytes(pData, ulDataLen),
                        Output(pSignature, pulSignatureLen)] forwards;
                C_MessageSignFinal(hSession: CK_SESSION_HANDLE) [Session(hSession)] forwards;
                C_MessageVerifyInit(hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hKey: CK_OBJECT_HANDLE)
                    [Session(hSession), Mechanism(pMechanism), Object(hKey)] forwards;
                C_VerifyMessage(hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR,
                    ulParameterLen: CK_ULONG, pData: CK_BYTE_PTR, ulDataLen: CK_ULONG,
                    pSignature: CK_BYTE_PTR, ulSignatureLen: CK_ULONG)
                    [Session(hSession), Parameter(pParameter, ulParameterLen), Bytes(pData, ulDataLen),
                        Bytes(pSignature, ulSignatureLen)] forwards;
                C_VerifyMessageBegin(hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR,
                    ulParameterLen: CK_ULONG)
                    [Session(hSession), Parameter(pParameter, ulParameterLen)] forwards;
                C_VerifyMessageNext(hSession: CK_SESSION_HANDLE, pParameter: CK_VOID_PTR,
                    ulParameterLen: CK_ULONG, pData: CK_BYTE_PTR, ulDataLen: CK_ULONG,
                    pSignature: CK_BYTE_PTR, ulSignatureLen: CK_ULONG)
                    [Session(hSession), Parameter(pParameter, ulParameterLen), Bytes(pData, ulDataLen),
                        Bytes(pSignature, ulSignatureLen)] forwards;
                C_MessageVerifyFinal(hSession: CK_SESSION_HANDLE) [Session(hSession)] forwards;
            }
            v3_2 {
                C_EncapsulateKey(hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hPublicKey: CK_OBJECT_HANDLE, pTemplate: CK_ATTRIBUTE_PTR, ulAttributeCount: CK_ULONG,
                    pCiphertext: CK_BYTE_PTR, pulCiphertextLen: CK_ULONG_PTR, phKey: CK_OBJECT_HANDLE_PTR)
                    [Session(hSession), Mechanism(pMechanism), Object(hPublicKey),
                        Template(pTemplate, ulAttributeCount), Output(pCiphertext, pulCiphertextLen),
                        NewObject(phKey)] forwards;
                C_DecapsulateKey(hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hPrivateKey: CK_OBJECT_HANDLE, pTemplate: CK_ATTRIBUTE_PTR, ulAttributeCount: CK_ULONG,
                    pCiphertext: CK_BYTE_PTR, ulCiphertextLen: CK_ULONG, phKey: CK_OBJECT_HANDLE_PTR)
                    [Session(hSession), Mechanism(pMechanism), Object(hPrivateKey),
                        Template(pTemplate, ulAttributeCount), Bytes(pCiphertext, ulCiphertextLen),
                        NewObject(phKey)] forwards;
                C_VerifySignatureInit(hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hKey: CK_OBJECT_HANDLE, pSignature: CK_BYTE_PTR, ulSignatureLen: CK_ULONG)
                    [Session(hSession), Mechanism(pMechanism), Object(hKey),
                        Bytes(pSignature, ulSignatureLen)] forwards;
                C_VerifySignature(hSession: CK_SESSION_HANDLE, pData: CK_BYTE_PTR, ulDataLen: CK_ULONG)
                    [Session(hSession), Bytes(pData, ulDataLen)] forwards;
                C_VerifySignatureUpdate(hSession: CK_SESSION_HANDLE, pPart: CK_BYTE_PTR, ulPartLen: CK_ULONG)
                    [Session(hSession), Bytes(pPart, ulPartLen)] forwards;
                C_VerifySignatureFinal(hSession: CK_SESSION_HANDLE) [Session(hSession)] forwards;
                C_GetSessionValidationFlags(hSession: CK_SESSION_HANDLE, type_: CK_ULONG,
                    pFlags: CK_ULONG_PTR)
                    [Session(hSession), Ulong(type_), Number(pFlags)] forwards;
                C_AsyncComplete(hSession: CK_SESSION_HANDLE, pFunctionName: CK_UTF8CHAR_PTR,
                    pResult: CK_VOID_PTR)
                    [Session(hSession), FunctionName(pFunctionName)] forwards;
                C_AsyncGetID(hSession: CK_SESSION_HANDLE, pFunctionName: CK_UTF8CHAR_PTR, pulID: CK_ULONG_PTR)
                    [Session(hSession), FunctionName(pFunctionName), Number(pulID)] forwards;
                C_AsyncJoin(hSession: CK_SESSION_HANDLE, pFunctionName: CK_UTF8CHAR_PTR, ulID: CK_ULONG,
                    pData: CK_BYTE_PTR, ulDataLen: CK_ULONG)
                    [Session(hSession), FunctionName(pFunctionName), Ulong(ulID),
                        Bytes(pData, ulDataLen)] forwards;
                C_WrapKeyAuthenticated(hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hWrappingKey: CK_OBJECT_HANDLE, hKey: CK_OBJECT_HANDLE, pAssociatedData: CK_BYTE_PTR,
                    ulAssociatedDataLen: CK_ULONG, pWrappedKey: CK_BYTE_PTR, pulWrappedKeyLen: CK_ULONG_PTR)
                    [Session(hSession), Mechanism(pMechanism), Object(hWrappingKey), Object(hKey),
                        Bytes(pAssociatedData, ulAssociatedDataLen),
                        Output(pWrappedKey, pulWrappedKeyLen)] forwards;
                C_UnwrapKeyAuthenticated(hSession: CK_SESSION_HANDLE, pMechanism: CK_MECHANISM_PTR,
                    hUnwrappingKey: CK_OBJECT_HANDLE, pWrappedKey: CK_BYTE_PTR, ulWrappedKeyLen: CK_ULONG,
                    pTemplate: CK_ATTRIBUTE_PTR, ulAttributeCount: CK_ULONG, pAssociatedData: CK_BYTE_PTR,
                    ulAssociatedDataLen: CK_ULONG, phKey: CK_OBJECT_HANDLE_PTR)
                    [Session(hSession), Mechanism(pMechanism), Object(hUnwrappingKey),
                        Bytes(pWrappedKey, ulWrappedKeyLen), Template(pTemplate, ulAttributeCount),
                        Bytes(pAssociatedData, ulAssociatedDataLen), NewObject(phKey)] forwards;
            }
        }
    };
}

pub(crate) use with_functions;
