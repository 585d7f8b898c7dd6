"""РЭМД's own codes (НСИ 1.2.643.5.1.13.13.99.2.305), as far as the sandbox says them."""

from __future__ import annotations

from gateway.sandbox.scenario import ErrorItem

TEXTS = {
    "ACCESS_DENIED": "Нет разрешения на получение сведений этой организации",
    "ATTRIBUTE_MISMATCH": "Метаописание переданного документа не соответствует зарегистрированному",
    "CANT_BUILD_CERT_CHAIN_TO_ACCREDITED_CA_CERT": (
        "Не удалось построить цепочку сертификатов до аккредитованного удостоверяющего центра"
    ),
    "CA_INACCESSIBILITY": "Адрес OCSP-службы не указан или недоступен и недоступен CRL",
    "DIGEST_MISMATCH": "Хеш-сумма полученного документа не соответствует зарегистрированной",
    "FILE_WAS_NOT_SENT": "ИС не передала файл ЭМД",
    "GET_DOCUMENT_FILE_ERROR": (
        "Ошибка получения файла ЭМД из файлового хранилища: Error in getDocumentFile by SOAP"
    ),
    "INCONSISTENT_DIGESTS": "ЭП от разных документов: хеш-суммы различаются",
    "INTERNAL_ERROR": "Внутренняя ошибка",
    "INVALID_CERT_KEY_USAGE": "Область использования ключа ЭП не соответствует требованиям",
    "INVALID_CONTENT": "Формат файла не соответствует требованиям вида документов",
    "INVALID_DOCTOR_FAMILY": "Фамилия медицинского работника отличается от указанной в СЭМД",
    "INVALID_DOCTOR_ID": "Идентификатор медицинского работника отличается от указанного в СЭМД",
    "INVALID_DOCTOR_INFO": "Медицинский работник из запроса на регистрацию не найден в СЭМД",
    "INVALID_DOCTOR_NAME": "Имя медицинского работника отличается от указанного в СЭМД",
    "INVALID_DOCTOR_PATRONYMIC": "Отчество медицинского работника отличается от указанного в СЭМД",
    "LEGAL_AUTHENTICATOR_NOT_FOUND": (
        "Медицинский работник, придавший документу юридическую силу, не найден в запросе"
    ),
    "MIS_NOT_AVAILABLE": "Сервис системы, предоставляющей документ, не доступен",
    "MULTIPLE_SIGNERS": "В контейнере ЭП указано более одного подписанта",
    "NO_END_ENTITY_CERTIFICATE": "В ЭП отсутствует сертификат проверки подписи",
    "NO_RMIS": "РМИС/МИС не зарегистрирована в РЭМД",
    "ORG_SIGNATURE_OCCURRENCE_MISMATCH": "Отсутствует обязательная подпись организации",
    "PERSONAL_SIG_CERT_NOT_ACTUAL_ON_CHECK_DT": (
        "Сертификат недействителен на дату проверки документа"
    ),
    "PERSONAL_SIG_CERT_NOT_ACTUAL_ON_DOC_CREATION_DT": (
        "Сертификат недействителен на дату создания документа"
    ),
    "RMIS_ERROR": "Ошибка в getDocumentFileResponse: Статус ответа МИС [error]",
    "ROLE_OCCURRENCE_MISMATCH": "Число ЭП сотрудников с требуемой ролью не соответствует виду",
    "SIGNATURE_DECODING_ERROR": "Ошибка декодирования ЭП",
    "SIGNATURE_DUPLICATION": "Дублирование подписи",
    "SIGNATURE_VERIFICATION_ERROR": "Подпись не верна",
    "UNKNOWN_ALGORITHM": "Неподдерживаемый алгоритм подписи",
    "VALIDATION_ERROR": "Ошибка валидации значения",
    "VALUE_MISMATCH_METADATA_AND_CERTIFICATE": (
        "Несоответствие данных в сообщении и в сертификате ЭП"
    ),
    "WRONG_CREATION_DATE": "Дата создания документа больше даты регистрации",
    "WRONG_SIGNATURE_FORMAT": "Неподдерживаемый формат ЭП",
}


def say(code: str, more: str = "") -> ErrorItem:
    """Return the error with its text, and `more` of it after a colon."""
    text = TEXTS[code]
    return ErrorItem(code=code, message=f"{text}: {more}" if more else text)


def say_already_registered(local_uid: str, emdr_id: str) -> ErrorItem:
    """Return the error that names the number the document has."""
    return ErrorItem(
        code="NOT_UNIQUE_PROVIDED_ID",
        message=(
            f"Документ с идентификатором '{local_uid}' уже зарегистрирован с номером [{emdr_id}]"
        ),
    )
